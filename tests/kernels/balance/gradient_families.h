// tests/kernels/balance/gradient_families.h - random gradients of the kinds that solvers fail on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include "tests/kernels/balance/mixing_rig.h"

namespace equipoise::test {

using Rows = std::vector<std::vector<double>>;

enum class Family {
  random,
  rank_one,
  fewer_dimensions_than_tasks,
  small_integers,
  duplicates,
  near_duplicates,
  opposites,
  near_opposites,
  little_conflict,
  zero_in_hull,
};
inline constexpr int kFamilies = 10;

/// What is done to the rows, or to their Gram matrix.
enum class Change { none, scales, noise, scales_and_noise, far_scales };
inline constexpr int kChanges = 5;

class GradientFamilies {
 public:
  explicit GradientFamilies(uint64_t seed) : random_(seed) {}

  int whole(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
  double uniform(double from, double to) { return std::uniform_real_distribution<double>(from, to)(random_); }
  double normal() { return normal_(random_); }

  Rows rows(Family family, int tasks) {
    const int dimensions = family == Family::random                        ? whole(tasks, 2 * tasks + 3)
                           : family == Family::rank_one                    ? 1
                           : family == Family::fewer_dimensions_than_tasks ? whole(1, std::max(1, tasks - 1))
                           : family == Family::small_integers              ? whole(1, 4)
                                                                           : whole(1, 2 * tasks);
    Rows rows(static_cast<std::size_t>(tasks), std::vector<double>(static_cast<std::size_t>(dimensions)));
    for (auto& row : rows)
      for (double& x : row) x = family == Family::small_integers ? whole(-3, 3) : normal();
    for (std::size_t i = 1; i < rows.size(); ++i) {
      const auto& other = rows[static_cast<std::size_t>(whole(0, static_cast<int>(i) - 1))];
      if (family == Family::duplicates && whole(0, 1)) rows[i] = other;
      if (family == Family::near_duplicates && whole(0, 2)) rows[i] = near(other, 1.0, std::pow(10, -uniform(6, 16)));
      if (family == Family::opposites && whole(0, 1)) rows[i] = near(other, whole(0, 1) ? -1.0 : -uniform(0.2, 3), 0);
      if (family == Family::near_opposites && whole(0, 1))
        rows[i] = near(other, -uniform(0.2, 3), std::pow(10, -uniform(3, 16)));
    }
    if (family == Family::little_conflict)
      for (std::size_t d = 0; d < rows[0].size(); ++d) {
        const double common = 3 * normal();
        for (auto& row : rows) row[d] += common;
      }
    if (family == Family::zero_in_hull && tasks > 1)
      for (std::size_t d = 0; d < rows[0].size(); ++d) {
        double sum = 0;
        for (std::size_t i = 0; i + 1 < rows.size(); ++i) sum += rows[i][d];
        rows.back()[d] = -sum;
      }
    for (auto& row : rows)
      if (std::all_of(row.begin(), row.end(), [](double x) { return x == 0; })) row[0] = 1;
    return rows;
  }

  /// Rescales the rows; returns their Gram matrix, with rounding noise if asked.
  std::vector<double> gram(Rows& rows, Change change) {
    for (auto& row : rows) {
      double scale = 1;
      if (change == Change::scales || change == Change::scales_and_noise) scale = std::pow(10, uniform(-30, 30));
      if (change == Change::far_scales) scale = std::ldexp(1.0, 100 * whole(-1, 1));
      for (double& x : row) x *= scale;
    }
    std::vector<double> gram = gram_of(rows);
    if (change != Change::noise && change != Change::scales_and_noise) return gram;
    const std::size_t m = rows.size();
    std::vector<double> length(m);
    for (std::size_t i = 0; i < m; ++i) length[i] = std::sqrt(gram[i * m + i]);
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j <= i; ++j)
        gram[i * m + j] = gram[j * m + i] = gram[i * m + j] + 1e-16 * normal() * length[i] * length[j];
    return gram;
  }

 private:
  std::vector<double> near(const std::vector<double>& row, double times, double noise) {
    std::vector<double> out = row;
    for (double& x : out) x = x * times + noise * normal();
    return out;
  }

  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
};

}  // namespace equipoise::test
