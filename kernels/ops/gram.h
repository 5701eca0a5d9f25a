// kernels/ops/gram.h - the Gram matrix G = J J^T of K task gradients over the balanced parameters, in float64.
// Floor: 4 K D bytes read once. Norms are the roots of the diagonal.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

EQ_FN constexpr int gram_pairs(int tasks) { return tasks * (tasks + 1) / 2; }

/// Pair number q -> (i, j), i <= j, row by row of the upper triangle.
struct Pair {
  int i, j;
};
EQ_FN Pair gram_pair(int tasks, int q) {
  int i = 0;
  while (q >= tasks - i) {
    q -= tasks - i;
    ++i;
  }
  return {i, i + q};
}

/// Slots of every pair's inner product over one stretch of parameters.
struct GramSlots {
  Place gradient;                  // gradient of lane 0, [count * fold]
  int32_t lane_stride;             // floats from one lane's gradient to the next
  int8_t lane_of_task[kMaxTasks];  // which lane holds a task's gradient; -1: it has none here, and counts as zero
  int32_t tasks;
  int32_t count;  // elements of the stretch
  int32_t fold;   // element e is the mean of `fold` floats, e, e + count, ...
  Place slots;    // [pairs, slots_per_pair], this stretch from first_slot on, overwritten
  int32_t slots_per_pair, first_slot;
  EQ_FIELDS(gradient, lane_stride, lane_of_task, tasks, count, fold, slots, slots_per_pair, first_slot)

  /// No more than slots are written, which lie at places of 32 bits: for 32 tasks that ends at 33 million parameters.
  template <class Team>
  EQ_FN int units(const Context&) const {
    return gram_pairs(tasks) * row_units<Team>(flat_rows(count));
  }
  EQ_FN double element(const float* g, int e) const {
    double sum = g[e];
    for (int f = 1; f < fold; ++f) sum += double{g[e + f * count]};
    return fold == 1 ? sum : sum / fold;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int per_pair = row_units<Team>(flat_rows(count));
    const int q = u / per_pair, row = unit_row<Team>(u % per_pair), lane = unit_lane<Team>(u % per_pair);
    const Pair pair = gram_pair(tasks, q);
    const int a = lane_of_task[pair.i], b = lane_of_task[pair.j];
    double* to = c.doubles(slots) + static_cast<int64_t>(q) * slots_per_pair + first_slot + row * kRowLanes;
    if (a < 0 || b < 0) {
      for (int l = 0; l < Team::kLanes; ++l) to[lane + l] = 0.0;
      return;
    }
    const float* x = c.floats(gradient) + static_cast<int64_t>(a) * lane_stride;
    const float* y = c.floats(gradient) + static_cast<int64_t>(b) * lane_stride;
    const int first = row * kFlatRow, columns = flat_columns(count, row);
    if (fold == 1)
      sum_row<Team::kLanes>(columns, lane, to, [&](int j) { return double{x[first + j]} * double{y[first + j]}; });
    else sum_row<Team::kLanes>(columns, lane, to, [&](int j) { return element(x, first + j) * element(y, first + j); });
  }
};

/// Slots of every pair's inner product of gradients by a representation: rows of 16 lanes.
struct GramRows {
  View gradient;  // [tasks * blocks * n, cols]: one task's rows after another's
  int32_t tasks;
  Place slots;  // [pairs, blocks * n, 16], overwritten
  EQ_FIELDS(gradient, tasks, slots)

  EQ_FN int task_rows(const Context& c) const { return gradient.blocks / tasks * c.n; }
  template <class Team>
  EQ_FN int units(const Context& c) const {
    return gram_pairs(tasks) * row_units<Team>(task_rows(c));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int rows = task_rows(c), per_pair = row_units<Team>(rows);
    const int q = u / per_pair, row = unit_row<Team>(u % per_pair), lane = unit_lane<Team>(u % per_pair);
    const Pair pair = gram_pair(tasks, q);
    const float* x = c.row(gradient, pair.i * rows + row);
    const float* y = c.row(gradient, pair.j * rows + row);
    double* to = c.doubles(slots) + (static_cast<int64_t>(q) * rows + row) * kRowLanes;
    sum_row<Team::kLanes>(gradient.cols, lane, to, [&](int j) { return double{x[j]} * double{y[j]}; });
  }
};

/// A balancer's part of control.gram from the joined inner products [pairs].
struct GramClose {
  Place sums;
  int32_t tasks;
  int32_t balancer;
  EQ_FIELDS(sums, tasks, balancer)

  template <class Team>
  EQ_FN int units(const Context&) const {
    return gram_pairs(tasks);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int q) const {
    const Pair pair = gram_pair(tasks, q);
    const double g = c.doubles(sums)[q];
    double* const gram = c.control->gram + balancer * tasks * tasks;
    gram[pair.i * tasks + pair.j] = g;
    gram[pair.j * tasks + pair.i] = g;
  }
};

}  // namespace equipoise
