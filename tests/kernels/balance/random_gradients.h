// tests/kernels/balance/random_gradients.h - gradients to balance, and long double sums over them.
#pragma once

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace equipoise::test {

using Rows = std::vector<std::vector<double>>;

/// [tasks, length] of normals about `shift`.
inline Rows random_rows(int tasks, int length, std::mt19937_64& random, double shift = 0) {
  std::normal_distribution<double> normal(shift);
  Rows rows(static_cast<std::size_t>(tasks), std::vector<double>(static_cast<std::size_t>(length)));
  for (auto& row : rows)
    for (double& x : row) x = normal(random);
  return rows;
}

/// Each row times 10^u, u uniform in +-decades.
inline void scale_rows(Rows& rows, double decades, std::mt19937_64& random) {
  std::uniform_real_distribution<double> exponent(-decades, decades);
  for (auto& row : rows) {
    const double scale = std::pow(10.0, exponent(random));
    for (double& x : row) x *= scale;
  }
}

inline long double inner(const std::vector<double>& a, const std::vector<double>& b) {
  long double sum = 0;
  for (std::size_t d = 0; d < a.size(); ++d) sum += static_cast<long double>(a[d]) * b[d];
  return sum;
}

inline long double norm_of(const std::vector<double>& a) { return std::sqrt(inner(a, a)); }

/// Sum of the rows.
inline std::vector<double> total(const Rows& rows) {
  std::vector<double> sum(rows[0].size(), 0.0);
  for (const auto& row : rows)
    for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += row[d];
  return sum;
}

/// Solves A x = b by elimination with pivots, in long double; A [n, n] row-major.
inline std::vector<long double> solved(std::vector<long double> a, std::vector<long double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t best = k;
    for (std::size_t i = k; i < n; ++i)
      if (std::abs(a[i * n + k]) > std::abs(a[best * n + k])) best = i;
    for (std::size_t j = 0; j < n; ++j) std::swap(a[k * n + j], a[best * n + j]);
    std::swap(b[k], b[best]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const long double f = a[i * n + k] / a[k * n + k];
      for (std::size_t j = k; j < n; ++j) a[i * n + j] -= f * a[k * n + j];
      b[i] -= f * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= a[k * n + j] * b[j];
    b[k] /= a[k * n + k];
  }
  return b;
}

}  // namespace equipoise::test
