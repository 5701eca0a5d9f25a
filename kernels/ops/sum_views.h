// kernels/ops/sum_views.h - to = sum of coefficient * view: concatenation and averaging of latent parts, and every
// place where gradients meet.
#pragma once

#include <cmath>

#include "kernels/base/fields.h"
#include "kernels/base/fours.h"
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
  EQ_FIELDS(to, from, coefficient, task, count, accumulate)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    if (Team::kLanes == 1 && in_fours(c)) return c.rows(to) * (to.cols / kFour);
    return element_units<Team>(c.rows(to), to.cols);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    if (Team::kLanes == 1 && in_fours(c)) return sum_four(c, u / (to.cols / kFour), u % (to.cols / kFour) * kFour);
    const auto [r, lane] = element_place<Team>(u, to.cols);
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
  /// Whether a GPU's thread can take four neighbouring columns, each view's by one access.
  EQ_FN bool in_fours(const Context& c) const {
    bool all = to.cols % kFour == 0 && fours_of(c, to);
    EQ_FEW
    for (int s = 0; s < count; ++s) all = all && fours_of(c, from[s]);
    return all;
  }
  EQ_FN static bool fours_of(const Context& c, const View& v) {
    return v.stride % kFour == 0 && aligned_for_fours(c.first(v));
  }
  EQ_FN void sum_four(const Context& c, int r, int j) const {
    float* const out = c.row(to, r) + j;
    float sum[kFour] = {};
    if (accumulate) load_four(out, sum);
    EQ_FEW
    for (int s = 0; s < count; ++s) {
      float in[kFour];
      load_four(c.row(from[s], r) + j, in);
      const float k = coefficient_of(c, s);
      EQ_UNROLL
      for (int i = 0; i < kFour; ++i) sum[i] = s == 0 && !accumulate ? k * in[i] : fmaf(k, in[i], sum[i]);
    }
    store_four(out, sum);
  }
  /// The same by a GPU's thread: it holds the sums of its columns, and stores them once.
  EQ_FN void sum_ahead(const Context& c, int r, int lane, float* out) const {
    if (to.cols <= kRowLanes) return sum_columns<1>(c, r, lane, out);
    if (to.cols <= 2 * kRowLanes) return sum_columns<2>(c, r, lane, out);
    for (int j = lane; j < to.cols; j += kColumnsAhead * kRowLanes) sum_columns<kColumnsAhead>(c, r, j, out);
  }
  /// Columns j, j + 16, ...
  template <int Columns>
  EQ_FN void sum_columns(const Context& c, int r, int j, float* out) const {
    // As a rule there is one summand: what it needs is asked for at once, and not one thing after another.
    const View first = from[0];
    const float first_coefficient = coefficient[0];
    const int first_task = task[0], summands = count;
    const bool more = accumulate;
    int at[Columns];
    float sum[Columns];
    EQ_UNROLL
    for (int i = 0; i < Columns; ++i) {
      at[i] = j + i * kRowLanes < to.cols ? j + i * kRowLanes : j;
      sum[i] = more ? out[at[i]] : 0.0f;
    }
    if (summands > 0) {
      const float* in = c.row(first, r);
      const float k = weighted(c, first_coefficient, first_task);
      EQ_UNROLL
      for (int i = 0; i < Columns; ++i) sum[i] = more ? fmaf(k, in[at[i]], sum[i]) : k * in[at[i]];
    }
    EQ_FEW
    for (int s = 1; s < summands; ++s) {
      const float* in = c.row(from[s], r);
      const float k = coefficient_of(c, s);
      EQ_UNROLL
      for (int i = 0; i < Columns; ++i) sum[i] = fmaf(k, in[at[i]], sum[i]);
    }
    EQ_UNROLL
    for (int i = 0; i < Columns; ++i)
      if (j + i * kRowLanes < to.cols) out[at[i]] = sum[i];
  }
  EQ_FN float coefficient_of(const Context& c, int s) const { return weighted(c, coefficient[s], task[s]); }
  EQ_FN static float weighted(const Context& c, float coefficient, int task) {
    return task < 0 ? coefficient : coefficient * static_cast<float>(c.control->shared_weights[task]);
  }
};

}  // namespace equipoise
