// tests/kernels/balance/bargain_rig.h - how well weights a > 0 solve (G a)_i = a_i^-p, in long double.
#pragma once

#include <algorithm>

#include "tests/kernels/balance/mixing_rig.h"
#include "tests/kernels/balance/random_gradients.h"

namespace equipoise::test {

/// Largest |(G a)_i - a_i^-p| over the tasks, by the right side, and by the sizes of both sides' terms.
struct Residual {
  long double of_right_side = 0, of_terms = 0;
};

inline Residual bargaining_residual(const std::vector<double>& gram, const Mixed& mixed, int tasks, double p) {
  Residual worst;
  for (int i = 0; i < tasks; ++i) {
    const long double right = std::pow(static_cast<long double>(mixed.at(i, i, tasks)), -static_cast<long double>(p));
    long double left = 0, terms = right;
    for (int j = 0; j < tasks; ++j) {
      const long double term =
          static_cast<long double>(gram[static_cast<std::size_t>(i * tasks + j)]) * mixed.at(j, j, tasks);
      left += term;
      terms += std::abs(term);
    }
    worst.of_right_side = std::max(worst.of_right_side, std::abs(left - right) / right);
    worst.of_terms = std::max(worst.of_terms, std::abs(left - right) / terms);
  }
  return worst;
}

inline void expect_positive_diagonal(const Mixed& mixed, int tasks) {
  for (int i = 0; i < tasks; ++i)
    for (int j = 0; j < tasks; ++j) {
      if (i == j) EXPECT_GT(mixed.at(i, i, tasks), 0.0) << i;
      else EXPECT_EQ(mixed.at(i, j, tasks), 0.0) << i << " " << j;
    }
}

/// Families whose hull does not hold zero: independent, of one half-space though dependent, conflicting, duplicated.
inline constexpr int kSolvableFamilies = 4;
inline Rows solvable_rows(int family, int tasks, std::mt19937_64& random) {
  if (family == 0) return random_rows(tasks, 2 * tasks + 3, random);
  Rows rows = random_rows(tasks, family == 1 ? std::max(2, tasks / 2) : tasks + 2, random);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (family == 1) rows[i][0] = 0.1 + std::abs(rows[i][0]);
    if (family == 2) {
      for (double& x : rows[i]) x *= 0.1;
      rows[i][0] += i % 2 == 0 ? 1 : -1;
      rows[i][1] = 0.05;
    }
  }
  if (family == 3) rows.back() = rows.front();
  return rows;
}

}  // namespace equipoise::test
