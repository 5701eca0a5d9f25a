// bench/run/min_norm_case.h - random min-norm problems for benchmarks, the check of their solutions, and a row of the
// table.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "bench/run/spread.h"
#include "kernels/run/min_norm_batch.h"

namespace equipoise::bench {

inline constexpr int kMinNormTasks[] = {2, 3, 4, 5, 8, 16, 32};
inline constexpr int64_t kMinNormProblems = 10000;
inline constexpr int kMinNormColumns = 64;
inline constexpr double kMinNormGap = 1e-12;  ///< what every solution promises

/// Gram matrices of gradients with 64 independent normal entries each, and room for what is solved.
struct MinNormCase {
  explicit MinNormCase(int k) : tasks(k) {
    const auto m = static_cast<std::size_t>(k);
    std::mt19937_64 words(static_cast<uint64_t>(k));
    std::normal_distribution<double> normal;
    std::vector<double> rows(m * kMinNormColumns);
    for (int64_t r = 0; r < kMinNormProblems; ++r) {
      for (double& x : rows) x = normal(words);
      for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < m; ++j) {
          double sum = 0;
          for (std::size_t e = 0; e < kMinNormColumns; ++e)
            sum += rows[i * kMinNormColumns + e] * rows[j * kMinNormColumns + e];
          gram.push_back(sum);
        }
    }
    forget();
  }

  void forget() {
    const auto count = static_cast<std::size_t>(kMinNormProblems);
    weights.assign(count * static_cast<std::size_t>(tasks), std::numeric_limits<double>::quiet_NaN());
    values.assign(count, std::numeric_limits<double>::quiet_NaN());
    gaps = values;
  }

  MinNormBatch batch(int64_t first = 0, int64_t problems = kMinNormProblems) {
    return {problems,
            tasks,
            gram.data() + first * tasks * tasks,
            weights.data() + first * tasks,
            values.data() + first,
            gaps.data() + first};
  }

  /// The worst gap of the first `problems` solutions, with sums in long double; infinite if one is not on the simplex.
  double worst_gap(int64_t problems = kMinNormProblems) const {
    long double worst = -std::numeric_limits<long double>::infinity();
    for (int64_t r = 0; r < problems; ++r) {
      const double *g = gram.data() + r * tasks * tasks, *w = weights.data() + r * tasks;
      long double sum = 0, value = 0;
      std::vector<long double> row(static_cast<std::size_t>(tasks)), terms(row.size());
      for (int i = 0; i < tasks; ++i) {
        for (int j = 0; j < tasks; ++j) {
          const auto term = static_cast<long double>(g[i * tasks + j]) * w[j];
          row[static_cast<std::size_t>(i)] += term;
          terms[static_cast<std::size_t>(i)] += std::fabs(term);
        }
        sum += w[i];
        value += w[i] * row[static_cast<std::size_t>(i)];
        if (!(w[i] >= 0)) return std::numeric_limits<double>::infinity();
      }
      if (!(std::fabs(sum - 1) <= 4 * tasks * DBL_EPSILON)) return std::numeric_limits<double>::infinity();
      for (std::size_t i = 0; i < row.size(); ++i)
        worst = std::max(worst, (value - row[i]) / std::max(value, terms[i]));
    }
    return static_cast<double>(worst);
  }

  int tasks;
  std::vector<double> gram, weights, values, gaps;
};

inline void print_min_norm_title(const std::string& where) {
  std::printf("%s: min-norm problems, medians and quartiles of microseconds a problem\n  %-26s %9s %9s %9s %10s\n",
              where.c_str(), "", "us", "quartile", "quartile", "worst gap");
}

/// Prints a row of microseconds a problem; returns whether the solutions hold.
inline bool print_min_norm_row(const std::string& name, const std::vector<double>& microseconds, double worst_gap) {
  const Spread time = spread(microseconds);
  const bool holds = worst_gap <= kMinNormGap;
  std::printf("  %-26s %9.4f %9.4f %9.4f %10.1e%s\n", name.c_str(), time.median, time.first_quartile,
              time.third_quartile, worst_gap, holds ? "" : "  WRONG");
  std::fflush(stdout);
  return holds;
}

}  // namespace equipoise::bench
