// kernels/ops/squared_error.h - mean squared error of reconstructions, value and gradient in one pass.
//   term = sum over blocks of mean over [n, cols] of (y - target)^2,  d term / dy = 2 (y - target) / (n cols)
// or the sum over the batch in the place of the mean: d term / dy = 2 (y - target).
#pragma once

#include "kernels/base/fields.h"
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
  EQ_FIELDS(y, target, dy, slots, scale, task, has_gradient, sums)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.rows(y));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u), lane = unit_lane<Team>(u);
    const float* a = c.row(y, r);
    const float* b = c.row(target, r % c.n);
    double* const to = c.doubles(slots) + r * kRowLanes;
    if constexpr (Team::kLanes == 1) return error_ahead(c, a, b, r, lane, to);
    sum_row<Team::kLanes>(y.cols, lane, to, [&](int j) {
      const double d = double{a[j]} - double{b[j]};
      return d * d;
    });
    if (has_gradient) {
      const float k = slope(c);
      float* d = c.row(dy, r);
      each_column<Team::kLanes>(y.cols, lane, [&](int j, int) { d[j] = k * (a[j] - b[j]); });
    }
  }
  EQ_FN float slope(const Context& c) const {
    const float weight = task < 0 ? 1.0f : static_cast<float>(c.control->shared_weights[task]);
    return 2.0f * scale * weight / (sums ? 1.0f : static_cast<float>(c.n * y.cols));
  }
  /// The same by a GPU's thread, which reads every element once, several at a time.
  EQ_FN void error_ahead(const Context& c, const float* a, const float* b, int r, int lane, double* to) const {
    const float k = has_gradient ? slope(c) : 0.0f;
    float* const d = has_gradient ? c.row(dy, r) : nullptr;
    struct Entry {
      float got, wanted;
    };
    double sum = 0;
    map_columns<1>(
        y.cols, lane,
        [&](int j) {
          return Entry{a[j], b[j]};
        },
        [&](int j, Entry x) {
          const double off = double{x.got} - double{x.wanted};
          sum += off * off;
          if (has_gradient) d[j] = k * (x.got - x.wanted);
        });
    to[lane] = sum;
  }
};

}  // namespace equipoise
