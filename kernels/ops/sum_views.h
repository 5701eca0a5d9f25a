// kernels/ops/sum_views.h - to = sum of coefficient * view: concatenation and averaging of latent parts, and every
// place where gradients meet.
#pragma once

#include <cmath>

#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

inline constexpr int kMaxSummands = 4;

/// to[r, c] (=, +=) sum over s of coefficient[s] * from[s][r, c], s rising; a summand may also carry a task's weight.
struct SumViews {
  View to;  // [rows, cols], overwritten or accumulated
  View from[kMaxSummands];
  float coefficient[kMaxSummands];
  int32_t task[kMaxSummands];  // >= 0: times that task's weight of this step
  int32_t count;               // 0 with no accumulation: fills with zeros
  bool accumulate;

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.rows(to));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u), lane = unit_lane<Team>(u);
    float* out = c.row(to, r);
    if (!accumulate && count == 0) each_column<Team::kLanes>(to.cols, lane, [&](int j, int) { out[j] = 0.0f; });
    for (int s = 0; s < count; ++s) {
      const float* in = c.row(from[s], r);
      const float k =
          task[s] < 0 ? coefficient[s] : coefficient[s] * static_cast<float>(c.control->shared_weights[task[s]]);
      if (s == 0 && !accumulate) each_column<Team::kLanes>(to.cols, lane, [&](int j, int) { out[j] = k * in[j]; });
      else each_column<Team::kLanes>(to.cols, lane, [&](int j, int) { out[j] = fmaf(k, in[j], out[j]); });
    }
  }
};

}  // namespace equipoise
