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
    if constexpr (Team::kLanes == 1) return sum_ahead(c, r, lane, out);
    if (!accumulate && count == 0) each_column<Team::kLanes>(to.cols, lane, [&](int j, int) { out[j] = 0.0f; });
    for (int s = 0; s < count; ++s) {
      const float* in = c.row(from[s], r);
      const float k = coefficient_of(c, s);
      if (s == 0 && !accumulate) each_column<Team::kLanes>(to.cols, lane, [&](int j, int) { out[j] = k * in[j]; });
      else each_column<Team::kLanes>(to.cols, lane, [&](int j, int) { out[j] = fmaf(k, in[j], out[j]); });
    }
  }
  /// The same by a GPU's thread: it holds the sums of several columns, and stores them once.
  EQ_FN void sum_ahead(const Context& c, int r, int lane, float* out) const {
    for (int j = lane; j < to.cols; j += kColumnsAhead * kRowLanes) {
      int at[kColumnsAhead];
      float sum[kColumnsAhead];
      EQ_UNROLL
      for (int i = 0; i < kColumnsAhead; ++i) {
        at[i] = j + i * kRowLanes < to.cols ? j + i * kRowLanes : j;
        sum[i] = accumulate ? out[at[i]] : 0.0f;
      }
      for (int s = 0; s < count; ++s) {
        const float* in = c.row(from[s], r);
        const float k = coefficient_of(c, s);
        EQ_UNROLL
        for (int i = 0; i < kColumnsAhead; ++i)
          sum[i] = s == 0 && !accumulate ? k * in[at[i]] : fmaf(k, in[at[i]], sum[i]);
      }
      EQ_UNROLL
      for (int i = 0; i < kColumnsAhead; ++i)
        if (j + i * kRowLanes < to.cols) out[at[i]] = sum[i];
    }
  }
  EQ_FN float coefficient_of(const Context& c, int s) const {
    return task[s] < 0 ? coefficient[s] : coefficient[s] * static_cast<float>(c.control->shared_weights[task[s]]);
  }
};

}  // namespace equipoise
