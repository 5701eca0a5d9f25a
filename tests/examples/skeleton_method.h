// tests/examples/skeleton_method.h - level: every gradient gets one length, the root mean square of all their lengths.
//   w_i = sqrt(sum_j n_j^2 / m) / n_i,  g_i' = w_i g_i
// An example to copy, not part of the program. The copy is kernels/balance/<name>.h, tested beside its stem; its lines
// go to MethodKind before graddrop, to the switches of method.h and run_chain.h beside it, and to the same place of the
// table in engine/balance/method_table.cpp.
#pragma once

#include <cmath>

#include "kernels/balance/method.h"
#include "kernels/balance/solve/cosines.h"

// The squared lengths are G's diagonal, and their sum stays what it was. One division and one root a weight: a common
// power of two leaves the quotient's bits alone.
// Floor: m additions a member, a division and a square root a task, two barriers.

namespace equipoise {

EQ_SIZE int level_scratch(int m) { return m; }
static_assert(fits_mixing_scratch(level_scratch));

/// mixing = diag(w). Reads nothing of the method, keeps no state.
template <class Team>
EQ_COLD void mix_level(const Team& team, const Mixing& in, const Method&) {
  const int m = in.tasks;
  double* weight = in.scratch;  // [m]
  double sum = 0;               // by every member for itself: shorter than a barrier, and the same bits
  for (int j = 0; j < m; ++j) sum += in.gram[j * m + j];
  const double mean = sum / m;
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) weight[i] = sqrt(mean / in.gram[i * m + i]);
  team.sync();  // mix_diagonal deals out elements, not rows: it reads weights of other members
  mix_diagonal(team, m, weight, in.mixing);
}

}  // namespace equipoise
