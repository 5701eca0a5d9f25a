// kernels/balance/nsgd.h - normalised gradients: each task keeps the share that its norm has of its first norm.
//   a_i = (n_i / n_i(0)) / sum_j (n_j / n_j(0)),   g_i' = g_i (sum_j a_j n_j) / n_i
// From the impartial-VAE code (Javaloy, Meghdadi and Valera 2022), which takes n(0) from call update_at + 1 and divides
// by ones before; here n(0) are the first step's unless `update_at` says otherwise.
#pragma once

#include <cmath>

#include "kernels/balance/method.h"

// Floor: 3 m square roots and divisions a member, no barrier but the last.

namespace equipoise {

/// State: first norms n(0) [K] by task number, 0 = none yet, then the number of calls. Calls before `update_at` divide
/// by ones; that call and later ones give a task without a first norm the one it has now.
template <class Team>
EQ_COLD void mix_nsgd(const Team& team, const Mixing& in, const Method& method) {
  const int m = in.tasks;
  const bool taken = in.state[in.all_tasks] >= method.update_at;
  double ratios = 0.0, weighted = 0.0;
  for (int j = 0; j < m; ++j) {
    const double norm = sqrt(in.gram[j * m + j]), kept = in.state[in.task[j]];
    const double ratio = taken ? (kept > 0.0 ? norm / kept : 1.0) : norm;
    ratios += ratio;
    weighted = fma(ratio, norm, weighted);
  }
  const double length = weighted / ratios;
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) {
    const double norm = sqrt(in.gram[i * m + i]);
    for (int j = 0; j < m; ++j) in.mixing[i * m + j] = j == i ? length / norm : 0.0;
    if (taken && !(in.state[in.task[i]] > 0.0)) in.next[in.task[i]] = norm;
  }
  if (team.thread_rank() == 0) in.next[in.all_tasks] = in.state[in.all_tasks] + 1.0;
  team.sync();
}

}  // namespace equipoise
