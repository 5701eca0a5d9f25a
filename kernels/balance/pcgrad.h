// kernels/balance/pcgrad.h - PCGrad (Yu et al. 2020, algorithm 1): project away what conflicts with another task.
//   for each i, over the other j in random order:  g_i' -= (g_i' . g_j) / |g_j|^2 g_j  where g_i' . g_j < 0
#pragma once

#include <cmath>

#include "kernels/balance/task_order.h"

// Every row draws an order of its own.
// Projections are on the original g_j, so g_i' = sum_k c_k g_k needs only G: g_i' . g_j = (c G)_j.
// Floor: m^2 fused operations a row, one after another; each row is one thread's, and no barrier lies inside.

namespace equipoise {

EQ_SIZE int pcgrad_scratch(int m) { return m * m; }
static_assert(fits_mixing_scratch(pcgrad_scratch));

/// Row i of the mixing matrix holds c of g_i'. Reads of the method: identity_order.
template <class Team>
EQ_COLD void mix_pcgrad(const Team& team, const Mixing& in, const Method& method) {
  const int m = in.tasks;
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) {
    double* c = in.mixing + i * m;
    double* order = in.scratch + i * m;
    task_order(in.draws, in.task[i], m, method.identity_order != 0, order);
    for (int k = 0; k < m; ++k) c[k] = k == i ? 1.0 : 0.0;
    for (int place = 0; place < m; ++place) {
      const auto j = static_cast<int>(order[place]);
      if (j == i) continue;
      double dot = 0.0;
      for (int k = 0; k < m; ++k) dot = fma(c[k], in.gram[k * m + j], dot);
      if (dot < 0.0) c[j] -= dot / in.gram[j * m + j];
    }
  }
  team.sync();
}

}  // namespace equipoise
