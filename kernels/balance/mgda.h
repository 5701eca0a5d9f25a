// kernels/balance/mgda.h - MGDA: the shortest convex combination of the gradients (Desideri 2012; Sener and Koltun
// 2018). Mixing matrix diag(w), certificate the gap of kernels/balance/solve/min_norm.h. No task's gain, g_i times the
// step, is less than the step's squared length. Floor: min_norm.h. The published code steps between two gradients at a
// time until the weights rest: it never counts its steps (so that a NaN keeps it for ever), stops up to half the norm
// early on badly scaled gradients, and its `normalisation` weighs the losses afterwards by weights found for normalised
// gradients. Ours is exact and takes the normalised step.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/solve/min_norm.h"

namespace equipoise {

EQ_SIZE int mgda_scratch(int m) { return m + min_norm_scratch(m); }
static_assert(fits_mixing_scratch(mgda_scratch));

template <class Team>
EQ_COLD void mix_mgda(const Team& team, const Mixing& in, const Method&) {
  const int m = in.tasks;
  double* weights = in.scratch;  // [m]
  const MinNorm solution = min_norm(team, m, in.gram, weights, in.scratch + m);
  for (int e = team.thread_rank(); e < m * m; e += team.size()) in.mixing[e] = e % (m + 1) == 0 ? weights[e / m] : 0.0;
  if (team.thread_rank() == 0) *in.certificate = solution.gap;
  team.sync();
}

}  // namespace equipoise
