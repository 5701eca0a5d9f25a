// kernels/balance/imtl_g.h - IMTL-G (Liu et al. 2021): a step with the same projection on every gradient's direction.
//   (sum_i w_i g_i) . g_j / n_j equal for all j, sum w = 1:  w_i ~ v_i / n_i with C v = 1, C the cosine matrix
// Where C is singular: let P be the projection of 1 on its null space. If |P| > 1e-6 sqrt(m) then v = P, whose step
// vanishes (the gradients' directions cancel); else v = C^+ 1. Where the v_i / n_i sum to zero (to 1e-12 of their
// sizes) all weights are 1 / m. Weights may be negative, as published. A pseudo-inverse of G times the norms, without a
// look at the rank, fails on singular G.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/solve/cosines.h"

// Floor: that of symmetric_eigen.

namespace equipoise {

EQ_SIZE int imtl_g_scratch(int m) { return 3 * m + solve_cosines_scratch(m); }
static_assert(fits_mixing_scratch(imtl_g_scratch));

/// mixing = diag(w). Reads nothing of the method.
template <class Team>
EQ_COLD void mix_imtl_g(const Team& team, const Mixing& in, const Method&) {
  const int m = in.tasks;
  double* weight = in.scratch;    // [m]
  double* solution = weight + m;  // [m]
  double* null = weight + 2 * m;  // [m]
  solve_cosines(team, m, in.gram, solution, null, weight + 3 * m);
  double null2 = 0;
  for (int i = 0; i < m; ++i) null2 = fma(null[i], null[i], null2);
  const double* v = null2 > 1e-12 * m ? null : solution;
  double sum = 0, size = 0;
  for (int i = 0; i < m; ++i) {
    const double w = v[i] / sqrt(in.gram[i * m + i]);
    sum += w;
    size += fabs(w);
  }
  const bool cancels = !(fabs(sum) > 1e-12 * size);
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size())
    weight[i] = cancels ? 1.0 / m : v[i] / sqrt(in.gram[i * m + i]) / sum;
  team.sync();
  mix_diagonal(team, m, weight, in.mixing);
}

}  // namespace equipoise
