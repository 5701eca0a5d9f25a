// kernels/ops/graddrop_combine.h - the combine pass with GradDrop in it: balanced gradients C J element by element,
// their signs weighed against each other, and the sum of what is kept.
//   out = sum over i of keep_i (C J)_i,  keep_i by kernels/balance/graddrop.h
// Floor: K lanes read once; 2 K^2 fma an element.
#pragma once

#include "kernels/balance/graddrop.h"
#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/ops/balance_step.h"

namespace equipoise {

/// One element: `gradient(j)` is task j's, `sign` that of the input, `element` names the uniform draw.
template <class Gradient>
EQ_FN float combine_dropping(const Context& c, int balancer, const double* mixing, double leak, uint64_t element,
                             double sign, Gradient&& gradient) {
  const int tasks = c.chains[balancer].tasks;
  const auto balanced = [&](int i) {
    double sum = 0;
    for (int j = 0; j < tasks; ++j) sum = fma(mixing[i * tasks + j], double{gradient(j)}, sum);
    return sum;
  };
  GradDropSigns signs{};
  for (int i = 0; i < tasks; ++i) signs.add(sign * balanced(i));
  const double share = signs.positive_share(), uniform = graddrop_uniform(step_draws(c, balancer), element);
  double out = 0;
  for (int i = 0; i < tasks; ++i) {
    const double value = balanced(i);
    out += graddrop_factor(share, uniform, sign * value, leak) * value;
  }
  return static_cast<float>(out);
}

/// At parameters: the sign is that of the gradient itself.
struct GradDropParameters {
  Place gradient;                  // lane 0, [count]
  int32_t lane_stride;             // floats from one lane to the next
  int8_t lane_of_task[kMaxTasks];  // -1: no gradient here
  int32_t count;
  int64_t first_element;  // of the draws: blocks of one model differ in it
  Place mixing;           // [K, K] float64
  int32_t balancer;
  double leak;
  Place to;  // [count], overwritten
  EQ_FIELDS(gradient, lane_stride, lane_of_task, count, first_element, mixing, balancer, leak, to)

  static constexpr bool kApart = true;  // not in the interpreter's own body

  template <class Team>
  EQ_FN int units(const Context&) const {
    return row_units<Team>(flat_rows(count));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int row = unit_row<Team>(u), first = row * kFlatRow;
    each_column<Team::kLanes>(flat_columns(count, row), unit_lane<Team>(u), [&](int j, int) {
      const int e = first + j;
      c.floats(to)[e] = combine_dropping(c, balancer, c.doubles(mixing), leak, static_cast<uint64_t>(first_element + e),
                                         1.0, [&](int task) {
                                           const int lane = lane_of_task[task];
                                           return lane < 0 ? 0.0f : c.floats(gradient)[lane * lane_stride + e];
                                         });
    });
  }
};

/// At a representation: the sign is that of the representation times its gradient.
struct GradDropRows {
  View gradient;  // [tasks * blocks * n, cols]: one task's rows after another's
  View input;     // [blocks * n, cols] the representation
  Place mixing;   // [K, K] float64
  int32_t balancer;
  double leak;
  View to;  // [blocks * n, cols], overwritten
  EQ_FIELDS(gradient, input, mixing, balancer, leak, to)

  static constexpr bool kApart = true;

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.rows(to));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u), rows = c.rows(to);
    const float* x = c.row(input, r);
    float* out = c.row(to, r);
    each_column<Team::kLanes>(to.cols, unit_lane<Team>(u), [&](int j, int) {
      const double sign = x[j] > 0 ? 1.0 : (x[j] < 0 ? -1.0 : 0.0);
      out[j] = combine_dropping(c, balancer, c.doubles(mixing), leak, static_cast<uint64_t>(r) * to.cols + j, sign,
                                [&](int task) { return c.row(gradient, task * rows + r)[j]; });
    });
  }
};

}  // namespace equipoise
