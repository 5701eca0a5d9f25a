// kernels/balance/uw.h - uncertainty weighting (Kendall, Gal and Cipolla 2018), log variances s_i stepped by Adam.
//   loss = sum_i exp(-s_i) L_i / 2 + s_i / 2,  w_i = exp(-s_i) / 2,  d loss / d s_i = (1 - exp(-s_i) L_i) / 2
// s starts at 0 and stays within +-30: a loss that is not positive has no best s, and would drive it without end.
// A task that is absent keeps its state, and the weight that it gives; no task's weight depends on another's.
//
// Settings: task_lr, beta1, beta2, eps. State [5, K]: log variance, two moments, their powers of beta (0: none yet).
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/task_adam.h"
#include "kernels/base/strict_math.h"

// Floor: two exponentials and one Adam step a task.

namespace equipoise {

EQ_FN void weigh_uw(const Weighing& in, const Method&) {
  constexpr double kLargest = 30.0;
  const int tasks = in.tasks;
  const Settings& s = *in.settings;
  const AdamSettings adam{s.task_lr, s.beta1, s.beta2, s.eps};
  for (int i = 0; i < tasks; ++i) {
    in.weight[i] = 0.5 * strict_exp(-in.state[i]);
    if (!in.norm) continue;
    in.next_weight[i] = in.weight[i];
    if (!in.present[i]) continue;
    double* next = in.next + i;  // of this task, rows `tasks` apart
    // The power of beta2 tells fresh state: that of a small beta1 does fall to zero.
    const bool fresh = in.state[4 * tasks + i] == 0;
    next[3 * tasks] = (fresh ? 1.0 : in.state[3 * tasks + i]) * s.beta1;
    next[4 * tasks] = (fresh ? 1.0 : in.state[4 * tasks + i]) * s.beta2;
    const double slope = fma(-in.weight[i], in.loss[i], 0.5);
    const double moved =
        adam_scalar(adam, in.state[i], slope, next[tasks], next[2 * tasks], next[3 * tasks], next[4 * tasks]);
    next[0] = moved > kLargest ? kLargest : (moved < -kLargest ? -kLargest : moved);
    in.next_weight[i] = 0.5 * strict_exp(-next[0]);
  }
}

}  // namespace equipoise
