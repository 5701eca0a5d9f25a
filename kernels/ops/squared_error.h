// kernels/ops/squared_error.h - mean squared error of reconstructions, value and gradient in one pass.
//   term = sum over blocks of mean over [n, cols] of (y - target)^2,  d term / dy = 2 (y - target) / (n cols)
// or the sum over the batch in the place of the mean: d term / dy = 2 (y - target).
#pragma once

#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct SquaredError {
  View y;        // [blocks * n, cols]
  View target;   // [n, cols]: every block has the same target
  View dy;       // [blocks * n, cols], overwritten if has_gradient
  Place slots;   // [blocks * n, 16] sums of squares, overwritten
  float scale;   // of the term in its task's loss
  int32_t task;  // >= 0: the gradient is weighted by control.shared_weights[task] (merged lane)
  bool has_gradient;
  bool sums;  // the term is a sum, not a mean

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.rows(y));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u), lane = unit_lane<Team>(u);
    const float* a = c.row(y, r);
    const float* b = c.row(target, r % c.n);
    sum_row<Team::kLanes>(y.cols, lane, c.doubles(slots) + r * kRowLanes, [&](int j) {
      const double d = double{a[j]} - double{b[j]};
      return d * d;
    });
    if (has_gradient) {
      const float weight = task < 0 ? 1.0f : static_cast<float>(c.control->shared_weights[task]);
      const float k = 2.0f * scale * weight / (sums ? 1.0f : static_cast<float>(c.n * y.cols));
      float* d = c.row(dy, r);
      each_column<Team::kLanes>(y.cols, lane, [&](int j, int) { d[j] = k * (a[j] - b[j]); });
    }
  }
};

}  // namespace equipoise
