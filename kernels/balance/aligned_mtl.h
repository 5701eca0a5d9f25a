// kernels/balance/aligned_mtl.h - Aligned-MTL (Senushkin et al. 2023), their "min" scale: balanced gradients that are
// orthogonal and of equal length.
//   G = V L V^T,  B = sqrt(lambda_min) V L^(-1/2) V^T / m,  balanced gradients B J,  w = B 1
// Over the eigenvalues above 1e-12 of the largest only; lambda_min is the smallest of those. B does not change when all
// gradients are scaled together.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/solve/cosines.h"
#include "kernels/base/strict_math.h"

// Floor: that of symmetric_eigen, and m^3 fused operations.

namespace equipoise {

EQ_SIZE int aligned_mtl_scratch(int m) { return 2 * m * m + m + symmetric_eigen_scratch(m); }
static_assert(fits_mixing_scratch(aligned_mtl_scratch));

/// mixing = B, symmetric. Reads nothing of the method.
template <class Team>
EQ_COLD void mix_aligned_mtl(const Team& team, const Mixing& in, const Method&) {
  const int m = in.tasks;
  double* gram = in.scratch;         // [m, m], scaled by a power of two to a largest diagonal entry in [1, 2)
  double* vectors = gram + m * m;    // [m, m], column k
  double* factor = vectors + m * m;  // [m] sqrt(lambda_min / lambda_k) / m
  const uint64_t exponent = bits_as<uint64_t>(largest_diagonal(m, in.gram)) >> 52;
  const double scale = bits_as<double>((uint64_t{2046} - exponent) << 52);  // of a normal number below 2^1023
  for (int e = team.thread_rank(); e < m * m; e += team.size()) gram[e] = scale * in.gram[e];
  team.sync();
  symmetric_eigen(team, m, gram, vectors, factor + m);
  const double largest = largest_diagonal(m, gram);
  double smallest = largest;
  for (int k = 0; k < m; ++k) {
    const double value = gram[k * m + k];
    if (value > kRankTolerance * largest && value < smallest) smallest = value;
  }
  EQ_ROLLED
  for (int k = team.thread_rank(); k < m; k += team.size()) {
    const double value = gram[k * m + k];
    factor[k] = value > kRankTolerance * largest ? sqrt(smallest / value) / m : 0.0;
  }
  team.sync();
  for (int e = team.thread_rank(); e < m * m; e += team.size()) {
    const int i = e / m, j = e % m;
    double sum = 0;
    for (int k = 0; k < m; ++k) sum = fma(factor[k], vectors[i * m + k] * vectors[j * m + k], sum);
    in.mixing[e] = sum;
  }
  team.sync();
}

}  // namespace equipoise
