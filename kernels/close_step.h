// kernels/close_step.h - the end of a step: sums for the epoch's metrics, powers of beta, progress, and the policy for
// a step that met something non-finite.
#pragma once

#include "kernels/memory.h"

namespace equipoise {

struct CloseStep {
  int32_t tasks, terms;
  uint32_t labelled_tasks;  // bit k: the mean of task k's loss is weighted by labels, not rows
  uint32_t labelled_terms;  // likewise for terms
  bool trains;              // false in evaluation: sums and progress only

  template <class Team>
  EQ_FN int units(const Context&) const {
    return 1;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int) const {
    Control& k = *c.control;
    const Settings& s = *c.settings;
    const bool good = !trains || k.finite != 0;
    if (good) add_sums(c);
    if (trains && good) {
      k.beta1_power *= s.beta1;
      k.beta2_power *= s.beta2;
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
    const double rows = c.n;
    for (int t = 0; t < terms; ++t) k.sum_terms[t] += (labelled_terms >> t & 1u ? k.label_weight : rows) * k.terms[t];
    for (int i = 0; i < tasks; ++i) k.sum_losses[i] += (labelled_tasks >> i & 1u ? k.label_weight : rows) * k.losses[i];
    if (!trains) return;
    k.sum_gradient_norm += k.gradient_norm;
    k.sum_step_norm += k.step_norm;
    if (k.certificate > k.worst_certificate) k.worst_certificate = k.certificate;
    for (int i = 0; i < tasks; ++i) k.sum_norms[i] += k.norms[i];
    for (int i = 0; i < tasks * tasks; ++i) k.sum_gram[i] += k.gram[i];
  }
};

}  // namespace equipoise
