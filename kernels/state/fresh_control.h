// kernels/state/fresh_control.h - where a replica's training begins, and each of its evaluations and epochs.
#pragma once

#include "kernels/base/team.h"
#include "kernels/state/control.h"

namespace equipoise {

/// A control before the first step: weights as the settings say, everything else zero, padding too, no certificate yet.
/// A barrier must follow before anybody reads what is not zero.
template <class Team>
EQ_FN void make_fresh(const Team& team, Control& control, const Settings& settings, int tasks, int balancers) {
  auto* words = reinterpret_cast<uint64_t*>(&control);
  static_assert(sizeof(Control) % sizeof(uint64_t) == 0);
  share(team, static_cast<int>(sizeof(Control) / sizeof(uint64_t)), [&](int i) { words[i] = 0; });
  team.sync();
  share(team, tasks * balancers, [&](int i) {
    control.weights[i] = control.shared_weights[i] = control.private_weights[i] = settings.initial_weights[i % tasks];
  });
  share(team, kMaxBalancers, [&](int b) { control.certificate[b] = control.worst_certificate[b] = kNoCertificate; });
  if (team.thread_rank() == 0) control.beta1_power = control.beta2_power = 1.0;
}

/// Clears the sums of an epoch, before its first step; the barriers of the step lie before anybody adds to them.
template <class Team>
EQ_FN void clear_sums(const Team& team, Control& c) {
  if (team.thread_rank() == 0) c.sum_steps = c.sum_gradient_norm = 0;
  share(team, kMaxTerms, [&](int t) { c.sum_terms[t] = c.sum_term_rows[t] = 0; });
  share(team, kMaxTasks, [&](int k) { c.sum_losses[k] = c.sum_task_rows[k] = c.sum_norms[k] = 0; });
  share(team, kMaxTasks * kMaxTasks, [&](int i) { c.sum_gram[i] = 0; });
  share(team, kMaxBalancers, [&](int b) {
    c.sum_step_norm[b] = 0;
    c.worst_certificate[b] = kNoCertificate;
  });
}

}  // namespace equipoise
