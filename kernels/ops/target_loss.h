// kernels/ops/target_loss.h - losses of supervised tasks against targets of which some are missing (NaN): squared
// error, logistic loss (binary cross-entropy with logits), a Poisson's negative log likelihood with log link, and
// softmax cross-entropy against a class number.
//   squared:  (x - t)^2                        d/dx = 2 (x - t)
//   logistic: log(1 + exp(-|x|)) + max(x, 0) - x t,  t in {0, 1}   d/dx = sigmoid(x) - t
//   poisson:  exp(x) - x t + log t!,  t in {0, 1, 2, ...}           d/dx = exp(x) - t
//   classes:  log sum exp x - x_t              d/dx_j = softmax(x)_j - [j = t]
// Each is the mean, or the sum, over the entries (rows, for classes) that have a target; a batch without any has loss
// 0. Where the classes of a target have weights, it is sum w[t] loss / sum w[t] (PyTorch's weighted mean), or sum w[t]
// loss. Floor: reads two floats an entry and writes one; one exponential and one logarithm where the loss needs them.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/base/strict_math.h"
#include "kernels/ops/forms.h"
#include "kernels/ops/softmax.h"
#include "kernels/state/memory.h"

namespace equipoise {

EQ_FN bool is_target(float t) { return t == t; }

/// Weight of the class that a target is: RunData::class_weights from first_class_weight + first on. `first` is -1 where
/// targets have none, and numbers need not be classes.
EQ_FN float target_weight(const Context& c, int32_t first, float t) {
  return first < 0 ? 1.0f : c.data->class_weights[c.settings->first_class_weight + first + static_cast<int32_t>(t)];
}

/// Number of entries of a row that have a target, or their weight, in slots that Join adds up.
struct CountTargets {
  View target;           // [n, cols]
  Place slots;           // [n, 16] float64, overwritten
  int32_t first_weight;  // as target_weight takes it
  EQ_FIELDS(target, slots, first_weight)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.rows(target));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u);
    const float* t = c.row(target, r);
    sum_row<Team::kLanes>(target.cols, unit_lane<Team>(u), c.doubles(slots) + r * kRowLanes,
                          [&](int j) { return is_target(t[j]) ? double{target_weight(c, first_weight, t[j])} : 0.0; });
  }
};

/// What the gradient of an entry is multiplied by: 0 where the batch has no target at all.
EQ_FN float over_targets(const Context& c, Place count, int32_t task, bool sums) {
  const double entries = c.doubles(count)[0];
  const float weight = task < 0 ? 1.0f : static_cast<float>(c.control->shared_weights[task]);
  return entries > 0 ? weight / (sums ? 1.0f : static_cast<float>(entries)) : 0.0f;
}

struct TargetLoss {
  View x;       // [n, cols]
  View target;  // [n, cols], NaN where missing
  Place count;  // [1] float64: entries with a target, or their weight
  View dx;      // [n, cols], overwritten if has_gradient; zero where the target is missing
  Place slots;  // [n, 16] float64 sums of losses, overwritten
  TargetForm form;
  int32_t task;          // >= 0: the gradient is weighted by control.shared_weights[task] (merged lane)
  int32_t first_weight;  // as target_weight takes it
  bool has_gradient;
  bool sums;  // the term is a sum over the batch, not a mean
  EQ_FIELDS(x, target, count, dx, slots, form, task, first_weight, has_gradient, sums)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.rows(x));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u), lane = unit_lane<Team>(u);
    const float* a = c.row(x, r);
    const float* t = c.row(target, r);
    sum_row<Team::kLanes>(x.cols, lane, c.doubles(slots) + r * kRowLanes, [&](int j) {
      return is_target(t[j]) ? double{target_weight(c, first_weight, t[j])} * loss(a[j], t[j]) : 0.0;
    });
    if (!has_gradient) return;
    const float k = over_targets(c, count, task, sums);
    float* d = c.row(dx, r);
    each_column<Team::kLanes>(x.cols, lane, [&](int j, int) {
      d[j] = is_target(t[j]) ? k * target_weight(c, first_weight, t[j]) * slope(a[j], t[j]) : 0.0f;
    });
  }

  // The switches have no default, so that the compiler names what a new form lacks.
  EQ_FN double loss(float a, float t) const {
    const double given = a, wanted = t;
    switch (form) {
      case TargetForm::squared:
        return (given - wanted) * (given - wanted);
      case TargetForm::logistic: {
        // Of the two forms of log(1 + exp x), the one whose exponential cannot overflow; a NaN stays a NaN.
        const double rest = strict_log(1.0 + strict_exp(a < 0 ? given : -given));
        // By >, since nvcc makes of  a < 0 ? 0.0 : given  a select that turns -0 into +0.
        return (a > 0 ? given : 0.0) - given * wanted + rest;
      }
      case TargetForm::poisson:
        return strict_exp(given) - given * wanted + strict_log_factorial(wanted);
    }
    return strict_detail::nan_d();
  }
  EQ_FN float slope(float a, float t) const {
    switch (form) {
      case TargetForm::squared:
        return 2.0f * (a - t);
      case TargetForm::logistic:
        return strict_sigmoid(a) - t;
      case TargetForm::poisson:
        return strict_exp(a) - t;
    }
    return strict_detail::nan_f();
  }
};

/// Softmax cross-entropy against class numbers that are kept as floats.
struct TargetCrossEntropy {
  View x;        // [n, classes]
  View target;   // [n, 1] class number, NaN where missing
  Place count;   // [1] float64: rows with a target, or their weight
  View dx;       // [n, classes], overwritten if has_gradient
  Place slots;   // [n] float64 losses, overwritten
  int32_t task;  // as in TargetLoss
  int32_t first_weight;
  bool has_gradient;
  bool sums;  // the term is a sum over the batch, not a mean
  EQ_FIELDS(x, target, count, dx, slots, task, first_weight, has_gradient, sums)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return c.n;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int r) const {
    const float* in = c.row(x, r);
    const float t = c.row(target, r)[0];
    const int label = is_target(t) ? static_cast<int>(t) : -1;
    const RowExponentials e = row_exponentials(in, x.cols);
    const float w = label < 0 ? 0.0f : target_weight(c, first_weight, t);
    c.doubles(slots)[r] =
        label < 0 ? 0.0 : double{w} * (double{strict_log(e.sum)} + (double{e.largest} - double{in[label]}));
    if (!has_gradient) return;
    const float k = over_targets(c, count, task, sums) * w;
    float* d = c.row(dx, r);
    for (int j = 0; j < x.cols; ++j)
      d[j] = label < 0 ? 0.0f : k * (strict_exp(in[j] - e.largest) / e.sum - (j == label ? 1.0f : 0.0f));
  }
};

}  // namespace equipoise
