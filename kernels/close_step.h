// kernels/close_step.h - the end of a step: sums for the epoch's metrics, powers of beta, progress, and the policy for
// a step that met something non-finite.
#pragma once

#include "kernels/memory.h"

namespace equipoise {

struct CloseStep {
  int32_t tasks, terms;
  int32_t classification_task;  // its mean is weighted by labels, not rows; -1: none
  int32_t classification_term;
  bool trains;                  // false in evaluation: sums and progress only

  template <class Team>
  EQ_FN int units(const Context&) const {
    return 1;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int) const {
    Control& k = *c.control;
    const Settings& s = *c.settings;
    for (int i = 0; i < tasks; ++i) k.step_weights[i] = k.used_weights[i];
    const bool good = !trains || k.finite != 0;
    if (good) add_sums(c);
    if (trains && good) {
      k.beta1_power *= s.beta1;
      k.beta2_power *= s.beta2;
      for (int i = 0; i < tasks; ++i) k.used_weights[i] = k.weights[i];
    }
    if (!good) {
      ++k.skipped;
      if (s.on_nonfinite == OnNonfinite::stop) k.status = Status::stopped;
      if (s.on_nonfinite == OnNonfinite::freeze) k.status = Status::frozen;
    }
    ++k.step;
    k.position += c.n;
    if (k.position >= s.rows) {
      k.position = 0;
      ++k.epoch;
    }
  }

  EQ_FN void add_sums(const Context& c) const {
    Control& k = *c.control;
    k.sum_steps += 1.0;
    k.sum_rows += c.n;
    k.sum_label_weight += k.label_weight;
    for (int t = 0; t < terms; ++t) k.sum_terms[t] += (t == classification_term ? k.label_weight : double(c.n)) * k.terms[t];
    for (int i = 0; i < tasks; ++i) k.sum_losses[i] += (i == classification_task ? k.label_weight : double(c.n)) * k.losses[i];
    if (!trains) return;
    k.sum_gradient_norm += k.gradient_norm;
    for (int i = 0; i < tasks; ++i) k.sum_norms[i] += k.norms[i];
    for (int i = 0; i < tasks * tasks; ++i) k.sum_gram[i] += k.gram[i];
  }
};

}  // namespace equipoise
