// kernels/ops/task_loss.h - from the sums of loss terms to the loss of a task, in float64.
// Floor: one division a term.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/ops/forms.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// One task's loss. term = sum / (divisor * per_row); loss = sum of terms, term0 / term1, or term0 - term1.
struct TaskLoss {
  int32_t task;
  TaskForm form;
  int32_t terms;
  int32_t term[kMaxTaskTerms];
  Place sum[kMaxTaskTerms];
  Divisor divisor[kMaxTaskTerms];
  Place count[kMaxTaskTerms];  // [1] float64, where counted
  double per_row[kMaxTaskTerms];
  EQ_FIELDS(task, form, terms, term, sum, divisor, count, per_row)

  template <class Team>
  EQ_FN int units(const Context&) const {
    return 1;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int) const {
    Control& k = *c.control;
    double first = 0.0, second = 0.0, loss = 0.0;
    bool present = true;
    for (int t = 0; t < terms; ++t) {
      const double rows = over_rows(c, t);
      const double over = divisor[t] == Divisor::none ? 1.0 : rows;
      present = present && rows > 0;
      const double value = over > 0 ? c.doubles(sum[t])[0] / (over * per_row[t]) : 0.0;
      if (t == 0) first = value;
      if (t == 1) second = value;
      loss = t == 0 ? value : loss + value;
      if (t == 0) k.task_rows[task] = rows;
      k.term_rows[term[t]] = rows;
      k.terms[term[t]] = value;
      k.term_slope[term[t]] = 1.0;
    }
    if (form == TaskForm::difference) {
      loss = first - second;
      k.term_slope[term[1]] = -1.0;
    } else if (form == TaskForm::ratio) {
      loss = first / second;
      k.term_slope[term[0]] = 1.0 / second;
      k.term_slope[term[1]] = -loss / second;
    }
    k.losses[task] = loss;
    k.present[task] = present ? 1 : 0;
  }
  EQ_FN double over_rows(const Context& c, int t) const {
    if (divisor[t] == Divisor::label_weight) return c.control->label_weight;
    return divisor[t] == Divisor::counted ? c.doubles(count[t])[0] : double(c.n);
  }
};

}  // namespace equipoise
