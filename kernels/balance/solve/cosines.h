// kernels/balance/solve/cosines.h - the cosine matrix C of the gradients, and C x = 1 in the sense of least squares.
//   C_ij = G_ij / (n_i n_j), n_i = sqrt(G_ii);  C = V L V^T;  C^+ 1 = V L^+ V^T 1
#pragma once

#include "kernels/balance/solve/symmetric_eigen.h"

// Floor: that of symmetric_eigen.

namespace equipoise {

inline constexpr double kRankTolerance = 1e-12;  ///< eigenvalues up to this part of the largest count as zero

/// In [-1, 1]; exactly 1 of a gradient with itself. G is m x m.
EQ_FN double cosine(const double* gram, int m, int i, int j) {
  if (i == j) return 1.0;
  const double c = gram[i * m + j] / (sqrt(gram[i * m + i]) * sqrt(gram[j * m + j]));
  return c > 1.0 ? 1.0 : (c < -1.0 ? -1.0 : c);
}

/// Largest of the m diagonal entries of a.
EQ_FN double largest_diagonal(int m, const double* a) {
  double largest = a[0];
  for (int k = 1; k < m; ++k) largest = a[k * m + k] > largest ? a[k * m + k] : largest;
  return largest;
}

EQ_SIZE int solve_cosines_scratch(int m) { return 2 * m * m + m + symmetric_eigen_scratch(m); }

/// Collective: solution = C^+ 1 and null = the projection of 1 on C's null space, [m] each. Ends with a barrier.
template <class Team>
EQ_FN void solve_cosines(const Team& team, int m, const double* gram, double* solution, double* null, double* scratch) {
  double* c = scratch;            // [m, m]
  double* vectors = c + m * m;    // [m, m], column k
  double* sum = vectors + m * m;  // [m] of a column: its product with 1
  for (int e = team.thread_rank(); e < m * m; e += team.size()) c[e] = cosine(gram, m, e / m, e % m);
  team.sync();
  symmetric_eigen(team, m, c, vectors, sum + m);
  EQ_ROLLED
  for (int k = team.thread_rank(); k < m; k += team.size()) {
    sum[k] = 0;
    for (int i = 0; i < m; ++i) sum[k] += vectors[i * m + k];
  }
  team.sync();
  const double least = kRankTolerance * largest_diagonal(m, c);
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) {
    double in_range = 0, beyond = 0;
    for (int k = 0; k < m; ++k) {
      const double part = vectors[i * m + k] * sum[k], value = c[k * m + k];
      if (value > least) in_range += part / value;
      else beyond += part;
    }
    solution[i] = in_range;
    null[i] = beyond;
  }
  team.sync();
}

/// Collective: mixing = diag(weight). Ends with a barrier.
template <class Team>
EQ_COLD void mix_diagonal(const Team& team, int m, const double* weight, double* mixing) {
  for (int e = team.thread_rank(); e < m * m; e += team.size()) mixing[e] = e / m == e % m ? weight[e / m] : 0.0;
  team.sync();
}

}  // namespace equipoise
