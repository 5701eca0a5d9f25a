// kernels/ops/adam.h - Adam (Kingma and Ba 2015) with clipping by global norm and decoupled weight decay (Loshchilov
// and Hutter 2019), elementwise over one parameter block. PyTorch's order of operations. Floor: reads and writes 12
// bytes a parameter, one square root and one division each.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/ops/adam_factors.h"
#include "kernels/ops/gradient_norm.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct Adam {
  GradientBlock block;
  Place parameter, moment1, moment2;  // [count], updated
  Place factors;                      // as AdamFactors leaves them
  EQ_FIELDS(block, parameter, moment1, moment2, factors)

  template <class Team>
  EQ_FN int units(const Context&) const {
    return row_units<Team>(flat_rows(block.count));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    if (!c.control->finite) return;
    const AdamNumbers n = adam_numbers(c, factors);
    const float step = n.step, root_scale = n.root_scale, rest1 = n.rest1, rest2 = n.rest2, beta2 = n.beta2;
    const float eps = n.eps, keep = n.keep;
    const float clip = clip_factor(c);
    float* p = c.floats(parameter);
    float* m = c.floats(moment1);
    float* v = c.floats(moment2);
    const int row = unit_row<Team>(u), lane = unit_lane<Team>(u);
    if constexpr (Team::kLanes == 1) {
      const auto advance = [&](float total, float& value, float& mean, float& square) {
        const float gradient = clip * total;
        const float m1 = fmaf(rest1, gradient - mean, mean);
        const float v1 = fmaf(rest2, gradient * gradient, beta2 * square);
        mean = m1;
        square = v1;
        value = keep * value - step * (m1 / fmaf(sqrtf(v1), root_scale, eps));
      };
      if (advance_fours<true>(c, block, row, lane, parameter, moment1, moment2, advance)) return;
    }
    // Written out again: of a call of the above g++ 12 makes code that takes 4 % longer.
    each_stretch<Team::kLanes>(block.count, row, lane, [&](int first, int elements) {
      float g[kStretch<Team::kLanes>];
      block.total(c, first, elements, g);
      EQ_IVDEP
      for (int i = 0; i < elements; ++i) {
        const int e = first + i;
        const float gradient = clip * g[i];
        const float m1 = fmaf(rest1, gradient - m[e], m[e]);
        const float v1 = fmaf(rest2, gradient * gradient, beta2 * v[e]);
        m[e] = m1;
        v[e] = v1;
        p[e] = keep * p[e] - step * (m1 / fmaf(sqrtf(v1), root_scale, eps));
      }
    });
  }
};

}  // namespace equipoise
