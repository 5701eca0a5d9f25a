// kernels/ops/close_step.h - the end of a step: sums for the epoch's metrics, powers of beta, progress, and the policy
// for a step that met something non-finite.
#pragma once

#include "kernels/state/memory.h"

namespace equipoise {

struct CloseStep {
  int32_t tasks, terms, balancers;
  uint64_t summed_terms;  // bit t: term t is a sum over the batch; the epoch's mean is by row all the same
  uint64_t summed_tasks;
  bool trains;  // false in evaluation: sums and progress only

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
    for (int t = 0; t < terms; ++t) {
      k.sum_term_rows[t] += k.term_rows[t];
      k.sum_terms[t] += (summed_terms >> t & 1u ? 1.0 : k.term_rows[t]) * k.terms[t];
    }
    for (int i = 0; i < tasks; ++i) {
      k.sum_task_rows[i] += k.task_rows[i];
      k.sum_losses[i] += (summed_tasks >> i & 1u ? 1.0 : k.task_rows[i]) * k.losses[i];
    }
    if (!trains) return;
    k.sum_gradient_norm += k.gradient_norm;
    for (int b = 0; b < balancers; ++b) {
      k.sum_step_norm[b] += k.step_norm[b];
      if (k.certificate[b] > k.worst_certificate[b]) k.worst_certificate[b] = k.certificate[b];
    }
    for (int i = 0; i < balancers * tasks; ++i) k.sum_norms[i] += k.norms[i];
    for (int i = 0; i < balancers * tasks * tasks; ++i) k.sum_gram[i] += k.gram[i];
  }
};

}  // namespace equipoise
