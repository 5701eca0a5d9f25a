// kernels/ops/rmsprop.h - RMSProp (Tieleman and Hinton 2012) with momentum, clipping by global norm and decoupled
// weight decay, elementwise over one parameter block.
//   v = a v + (1 - a) g^2,  u = g / (sqrt(v) + eps),  m = momentum m + u,  p -= lr m   (no centring)
// PyTorch's order of operations; there the weight decay is not decoupled.
// Floor: reads and writes 12 bytes a parameter, a square root and a division.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/ops/gradient_norm.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct RmsProp {
  GradientBlock block;
  Place parameter, moment1, moment2;  // [count], updated: momentum, mean square
  EQ_FIELDS(block, parameter, moment1, moment2)

  template <class Team>
  EQ_FN int units(const Context&) const {
    return row_units<Team>(flat_rows(block.count));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    if (!c.control->finite) return;
    const Settings& s = *c.settings;
    const float smoothing = static_cast<float>(s.smoothing), rest = static_cast<float>(1.0 - s.smoothing);
    const float lr = static_cast<float>(s.lr), eps = static_cast<float>(s.eps);
    const float momentum = static_cast<float>(s.momentum), clip = clip_factor(c);
    const float keep = static_cast<float>(1.0 - s.lr * s.weight_decay);
    float* p = c.floats(parameter);
    float* m = c.floats(moment1);
    float* v = c.floats(moment2);
    const int row = unit_row<Team>(u), lane = unit_lane<Team>(u);
    if constexpr (Team::kLanes == 1) {
      const auto advance = [&](float total, float& value, float& moved, float& square) {
        const float gradient = clip * total;
        square = fmaf(rest, gradient * gradient, smoothing * square);
        moved = fmaf(momentum, moved, gradient / (sqrtf(square) + eps));
        value = fmaf(-lr, moved, keep * value);
      };
      if (advance_fours<true>(c, block, row, lane, parameter, moment1, moment2, advance)) return;
    }
    each_stretch<Team::kLanes>(block.count, row, lane, [&](int first, int elements) {
      float g[kStretch<Team::kLanes>];
      block.total(c, first, elements, g);
      EQ_IVDEP
      for (int i = 0; i < elements; ++i) {
        const int e = first + i;
        const float gradient = clip * g[i];
        v[e] = fmaf(rest, gradient * gradient, smoothing * v[e]);
        m[e] = fmaf(momentum, m[e], gradient / (sqrtf(v[e]) + eps));
        p[e] = fmaf(-lr, m[e], keep * p[e]);
      }
    });
  }
};

}  // namespace equipoise
