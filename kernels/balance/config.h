// kernels/balance/config.h - ConFIG (Liu et al. 2025): a step with the same cosine to every gradient.
//   u = U^T a / |U^T a|, a = C^+ 1, U the unit gradients, C = U U^T;  step = (sum_j g_j . u) u
// In Gram coordinates U u ~ C a = 1 - P, P the projection of 1 on C's null space, and |U^T a|^2 = 1^T a, so that
//   w_i = a_i / n_i * (sum_j n_j (1 - P_j)) / (sum_j a_j)
// Where no direction has equal cosines other than zero u is the published code's, of least squares. Where 1 lies in the
// null space altogether (|1 - P| <= 1e-6 sqrt(m): two opposite gradients) no u exists and the step is zero.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/solve/cosines.h"

// Floor: that of symmetric_eigen.

namespace equipoise {

EQ_SIZE int config_scratch(int m) { return 3 * m + solve_cosines_scratch(m); }
static_assert(fits_mixing_scratch(config_scratch));

/// mixing = diag(w). Reads nothing of the method.
template <class Team>
EQ_COLD void mix_config(const Team& team, const Mixing& in, const Method&) {
  const int m = in.tasks;
  double* weight = in.scratch;    // [m]
  double* a = weight + m;         // [m]
  double* null = weight + 2 * m;  // [m]
  solve_cosines(team, m, in.gram, a, null, weight + 3 * m);
  double range2 = 0, length = 0, sum = 0;
  for (int j = 0; j < m; ++j) {
    const double in_range = 1.0 - null[j];
    range2 = fma(in_range, in_range, range2);
    length = fma(sqrt(in.gram[j * m + j]), in_range, length);
    sum += a[j];
  }
  const bool exists = range2 > 1e-12 * m;
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size())
    weight[i] = exists ? a[i] / sqrt(in.gram[i * m + i]) * (length / sum) : 0.0;
  team.sync();
  mix_diagonal(team, m, weight, in.mixing);
}

}  // namespace equipoise
