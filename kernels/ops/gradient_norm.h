// kernels/ops/gradient_norm.h - the total gradient of a parameter block, its global norm, and the gate behind which
// every update stands: a step with a non-finite loss or gradient updates nothing.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/fours.h"
#include "kernels/base/slots.h"
#include "kernels/base/strict_math.h"
#include "kernels/state/memory.h"

namespace equipoise {

inline constexpr int kMaxRoutes = 16;  ///< lanes of one block that may have a route's coefficient

/// A block of parameters and the lanes that hold its gradients.
struct GradientBlock {
  Place gradient;       // lane 0, [count]
  int32_t lane_stride;  // floats from one lane to the next
  int32_t lanes;
  int8_t task[kMaxTasks];   // whose weight a lane takes (in control's lists); -1: the lane is already weighted
  float route[kMaxRoutes];  // further coefficients of the first lanes, from the routing table
  int32_t count;            // padded elements; padding is zero
  float loss_scale;         // of the total loss
  bool shared;              // several tasks reach these parameters
  EQ_FIELDS(gradient, lane_stride, lanes, task, route, count, loss_scale, shared)

  EQ_FN float weight(const Control& k, int lane) const {
    const float scale = lane < kMaxRoutes ? loss_scale * route[lane] : loss_scale;
    if (task[lane] < 0) return scale;
    return scale * static_cast<float>((shared ? k.shared_weights : k.private_weights)[task[lane]]);
  }
  /// total[i] = sum over lanes of weight * gradient[e + i], i < elements, lanes rising
  EQ_FN void total(const Context& c, int e, int elements, float* total) const {
    const float* g = c.floats(gradient) + e;
    const float first = weight(*c.control, 0);
    for (int i = 0; i < elements; ++i) total[i] = first * g[i];
    for (int lane = 1; lane < lanes; ++lane) {
      g += lane_stride;
      const float w = weight(*c.control, lane);
      for (int i = 0; i < elements; ++i) total[i] = fmaf(w, g[i], total[i]);
    }
  }
  /// Whether total_fours can read every lane.
  EQ_FN bool in_fours() const {
    return count % kFour == 0 && lane_stride % kFour == 0 && aligned_for_fours(gradient.offset);
  }
  /// The same of a unit's fours.
  EQ_FN void total_fours(const Context& c, int first, int end, float (&total)[kFours][kFour]) const {
    const float* g = c.floats(gradient);
    const float weight_0 = weight(*c.control, 0);
    load_fours(g, first, end, total);
    each_of_fours([&](int f, int i) { total[f][i] = weight_0 * total[f][i]; });
    for (int lane = 1; lane < lanes; ++lane) {
      g += lane_stride;
      const float w = weight(*c.control, lane);
      float x[kFours][kFour];
      load_fours(g, first, end, x);
      each_of_fours([&](int f, int i) { total[f][i] = fmaf(w, x[f][i], total[f][i]); });
    }
  }
};

/// Factor that clips the total gradient to settings.clip_norm.
EQ_FN float clip_factor(const Context& c) {
  const Settings& s = *c.settings;
  return s.clip_norm > 0 && c.control->gradient_norm > s.clip_norm
             ? static_cast<float>(s.clip_norm / (c.control->gradient_norm + 1e-6))
             : 1.0f;
}

/// An optimizer's step by a GPU's thread: advance(gradient, parameter, moments) changes all elements of a unit in
/// place. Without second moments, `moment2_at` is not looked at but for its alignment. False, and nothing done, where
/// arrays do not lie so that fours can be read.
template <bool HasSecond, class Advance>
EQ_FN bool advance_fours(const Context& c, const GradientBlock& block, int row, int lane, Place parameter_at,
                         Place moment1_at, Place moment2_at, Advance&& advance) {
  if (!block.in_fours() || !aligned_for_fours(parameter_at.offset) || !aligned_for_fours(moment1_at.offset) ||
      !aligned_for_fours(moment2_at.offset))
    return false;
  float* const parameter = c.floats(parameter_at);
  float* const moment1 = c.floats(moment1_at);
  [[maybe_unused]] float* const moment2 = c.floats(moment2_at);
  const int first = first_four(row, lane), end = row * kFlatRow + flat_columns(block.count, row);
  float g[kFours][kFour], p[kFours][kFour], m[kFours][kFour], v[kFours][kFour];
  if constexpr (HasSecond) load_fours(moment2, first, end, v);  // moments come from furthest away
  load_fours(moment1, first, end, m);
  load_fours(parameter, first, end, p);
  block.total_fours(c, first, end, g);
  each_of_fours([&](int f, int i) {
    if (first + f * kFoursApart >= end) return;
    if constexpr (HasSecond) advance(g[f][i], p[f][i], m[f][i], v[f][i]);
    else advance(g[f][i], p[f][i], m[f][i]);
  });
  store_fours(parameter, first, end, p);
  store_fours(moment1, first, end, m);
  if constexpr (HasSecond) store_fours(moment2, first, end, v);
  return true;
}

/// Slots of the sum of squares of the total gradient of one block.
struct GradientSquares {
  GradientBlock block;
  Place slots;  // [flat_slots(count)], overwritten
  EQ_FIELDS(block, slots)

  template <class Team>
  EQ_FN int units(const Context&) const {
    return row_units<Team>(flat_rows(block.count));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int row = unit_row<Team>(u), lane = unit_lane<Team>(u);
    if constexpr (Team::kLanes == 1) {
      c.doubles(slots)[row * kRowLanes + lane] =
          lane_square(c, row * kFlatRow + lane, flat_columns(block.count, row) - lane);
      return;
    }
    double sum[Team::kLanes] = {};
    each_stretch<Team::kLanes>(block.count, row, lane, [&](int e, int elements) {
      float g[kStretch<Team::kLanes>];
      block.total(c, e, elements, g);
      each_column<Team::kLanes>(elements, 0, [&](int i, int l) { sum[l] = fma(double{g[i]}, double{g[i]}, sum[l]); });
    });
    for (int l = 0; l < Team::kLanes; ++l) c.doubles(slots)[row * kRowLanes + lane + l] = sum[l];
  }
  /// The sum of a row's lane, whose first element is `first`; `left` elements of the row lie from there on. Several
  /// elements are read before the first is summed, and a lane's weight is looked up once for them.
  EQ_FN double lane_square(const Context& c, int first, int left) const {
    double sum = 0;
    int e = 0;
    for (; e + (kColumnsAhead - 1) * kRowLanes < left; e += kColumnsAhead * kRowLanes)
      sum = add_squares<true>(c, first, e, left, sum);
    return e < left ? add_squares<false>(c, first, e, left, sum) : sum;
  }
  /// `sum` and the squares of elements e, e + 16, ..., of which some may be missing unless All.
  template <bool All>
  EQ_FN double add_squares(const Context& c, int first, int e, int left, double sum) const {
    const float* g = c.floats(block.gradient) + first;
    int at[kColumnsAhead];
    float total[kColumnsAhead] = {};
    EQ_UNROLL
    for (int i = 0; i < kColumnsAhead; ++i) at[i] = All || e + i * kRowLanes < left ? e + i * kRowLanes : e;
    for (int lane = 0; lane < block.lanes; ++lane, g += block.lane_stride) {
      const float w = block.weight(*c.control, lane);
      EQ_UNROLL
      for (int i = 0; i < kColumnsAhead; ++i) total[i] = lane == 0 ? w * g[at[i]] : fmaf(w, g[at[i]], total[i]);
    }
    EQ_UNROLL
    for (int i = 0; i < kColumnsAhead; ++i)
      if (All || e + i * kRowLanes < left) sum = fma(double{total[i]}, double{total[i]}, sum);
    return sum;
  }
};

/// A block whose squared norm reaches this counts as not finite: Adam squares gradients in float32.
inline constexpr double kLargestSquare = 1e38;

/// control.gradient_norm and control.finite, from the joined squares of every block; names what is not finite first.
struct FiniteGate {
  Place sums;  // [blocks]
  int32_t blocks, tasks;
  EQ_FIELDS(sums, blocks, tasks)

  template <class Team>
  EQ_FN int units(const Context&) const {
    return 1;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int) const {
    Control& k = *c.control;
    BadKind kind = BadKind::none;
    int index = 0;
    double sum = 0;
    for (int b = blocks - 1; b >= 0; --b)
      if (!(fabs(c.doubles(sums)[b]) < kLargestSquare)) kind = BadKind::gradient, index = b;
    for (int i = tasks - 1; i >= 0; --i)
      if (!finite(k.losses[i])) kind = BadKind::loss, index = i;
    for (int b = 0; b < blocks; ++b) sum += c.doubles(sums)[b];
    k.gradient_norm = sqrt(sum);
    k.finite = kind == BadKind::none ? 1 : 0;
    if (k.finite || k.bad_kind != BadKind::none) return;
    k.bad_kind = kind;
    k.bad_index = index;
    k.bad_step = k.step;
  }

  EQ_FN static bool finite(double x) { return x - x == 0.0; }
};

}  // namespace equipoise
