// kernels/ops/sgd.h - plain gradient descent with momentum, clipping by global norm and decoupled weight decay,
// elementwise over one parameter block.
//   m = momentum m + g,  p -= lr m   (no dampening, no Nesterov)
// PyTorch's order of operations; there the weight decay is not decoupled.
// Floor: reads and writes 8 bytes a parameter.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/ops/gradient_norm.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct Sgd {
  GradientBlock block;
  Place parameter, moment1;  // [count], updated
  EQ_FIELDS(block, parameter, moment1)

  template <class Team>
  EQ_FN int units(const Context&) const {
    return row_units<Team>(flat_rows(block.count));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    if (!c.control->finite) return;
    const Settings& s = *c.settings;
    const float lr = static_cast<float>(s.lr), momentum = static_cast<float>(s.momentum), clip = clip_factor(c);
    const float keep = static_cast<float>(1.0 - s.lr * s.weight_decay);
    float* p = c.floats(parameter);
    float* m = c.floats(moment1);
    const int row = unit_row<Team>(u), lane = unit_lane<Team>(u);
    if constexpr (Team::kLanes == 1) {
      const auto advance = [&](float total, float& value, float& moved) {
        moved = fmaf(momentum, moved, clip * total);
        value = fmaf(-lr, moved, keep * value);
      };
      if (advance_fours<false>(c, block, row, lane, parameter, moment1, moment1, advance)) return;
    }
    each_stretch<Team::kLanes>(block.count, row, lane, [&](int first, int elements) {
      float g[kStretch<Team::kLanes>];
      block.total(c, first, elements, g);
      EQ_IVDEP
      for (int i = 0; i < elements; ++i) {
        const int e = first + i;
        m[e] = fmaf(momentum, m[e], clip * g[i]);
        p[e] = fmaf(-lr, m[e], keep * p[e]);
      }
    });
  }
};

}  // namespace equipoise
