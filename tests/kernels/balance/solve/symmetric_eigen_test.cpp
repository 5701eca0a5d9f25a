// tests/kernels/balance/solve/symmetric_eigen_test.cpp - eigenpairs by Jacobi: residuals, orthogonality, known spectra,
// teams.
#include "kernels/balance/solve/symmetric_eigen.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "kernels/teams/host_team.h"

namespace equipoise::test {
namespace {

struct Eigen {
  int m;
  std::vector<double> values, vectors;

  double at(int i, int k) const { return vectors[static_cast<std::size_t>(i * m + k)]; }
};

/// On one team, from NaN; guards stand behind each array.
template <class Run>
Eigen eigen_on(int m, const std::vector<double>& matrix, Run&& run) {
  const double guard = -1.25e99, nan = std::numeric_limits<double>::quiet_NaN();
  const auto size = static_cast<std::size_t>(m * m), room = static_cast<std::size_t>(symmetric_eigen_scratch(m));
  std::vector<double> a = matrix, vectors(size, nan), scratch(room, nan);
  a.push_back(guard), vectors.push_back(guard), scratch.push_back(guard);
  run([&](const auto& team) { symmetric_eigen(team, m, a.data(), vectors.data(), scratch.data()); });
  EXPECT_EQ(a[size], guard);
  EXPECT_EQ(vectors[size], guard);
  EXPECT_EQ(scratch[room], guard);
  Eigen out{m, {}, {vectors.begin(), vectors.end() - 1}};
  for (int k = 0; k < m; ++k) out.values.push_back(a[static_cast<std::size_t>(k * m + k)]);
  return out;
}

Eigen eigen_of(int m, const std::vector<double>& matrix) {
  return eigen_on(m, matrix, [](auto&& body) { body(SerialTeam{}); });
}

std::vector<double> random_symmetric(int m, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::vector<double> a(static_cast<std::size_t>(m * m));
  for (int i = 0; i < m; ++i)
    for (int j = 0; j <= i; ++j)
      a[static_cast<std::size_t>(i * m + j)] = a[static_cast<std::size_t>(j * m + i)] = normal(random);
  return a;
}

/// J J^T of a random J [m, rank].
std::vector<double> random_gram(int m, int rank, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::vector<double> rows(static_cast<std::size_t>(m * rank)), a(static_cast<std::size_t>(m * m), 0.0);
  for (double& x : rows) x = normal(random);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < m; ++j)
      for (int d = 0; d < rank; ++d)
        a[static_cast<std::size_t>(i * m + j)] +=
            rows[static_cast<std::size_t>(i * rank + d)] * rows[static_cast<std::size_t>(j * rank + d)];
  return a;
}

/// |A V - V L| and |V^T V - I|, entry by entry, against the roundings of some ten sweeps of m rotations an entry.
void expect_eigenpairs(const std::vector<double>& a, const Eigen& e) {
  const int m = e.m;
  long double size = 0;
  for (double x : a) size += static_cast<long double>(x) * x;
  const long double unit = std::numeric_limits<double>::epsilon(), allowed = 10 * (m + 1) * unit;
  for (int k = 0; k < m; ++k)
    for (int i = 0; i < m; ++i) {
      long double image = 0, product = 0;
      for (int j = 0; j < m; ++j) {
        image += static_cast<long double>(a[static_cast<std::size_t>(i * m + j)]) * e.at(j, k);
        product += static_cast<long double>(e.at(j, i)) * e.at(j, k);
      }
      const long double value = e.values[static_cast<std::size_t>(k)];
      ASSERT_LE(std::abs(image - value * e.at(i, k)), allowed * std::sqrt(size)) << m << " " << i << " " << k;
      ASSERT_LE(std::abs(product - (i == k ? 1 : 0)), allowed) << m << " " << i << " " << k;
    }
}

TEST(SymmetricEigen, GivesEigenpairsOfRandomMatrices) {
  std::mt19937_64 random(1);
  for (int m = 1; m <= 32; ++m)
    for (int rank : {1, (m + 1) / 2, m + 3}) {
      const auto indefinite = random_symmetric(m, random), gram = random_gram(m, rank, random);
      expect_eigenpairs(indefinite, eigen_of(m, indefinite));
      expect_eigenpairs(gram, eigen_of(m, gram));
    }
}

TEST(SymmetricEigen, FindsTheSpectrumOfASecondDifference) {
  for (int m : {2, 5, 16, 31, 32}) {
    std::vector<double> a(static_cast<std::size_t>(m * m), 0.0);
    for (int i = 0; i < m; ++i) {
      a[static_cast<std::size_t>(i * m + i)] = 2;
      if (i + 1 < m) a[static_cast<std::size_t>(i * m + i + 1)] = a[static_cast<std::size_t>((i + 1) * m + i)] = -1;
    }
    Eigen e = eigen_of(m, a);
    std::sort(e.values.begin(), e.values.end());
    for (int k = 0; k < m; ++k)
      EXPECT_NEAR(e.values[static_cast<std::size_t>(k)], 2 - 2 * std::cos((k + 1) * std::numbers::pi / (m + 1)), 1e-14)
          << "of " << m << ": tens of roundings of values up to 4";
  }
}

TEST(SymmetricEigen, LeavesADiagonalMatrixAlone) {
  const std::vector<double> a{3, 0, 0, 0, -7, 0, 0, 0, 1e-40};
  const Eigen e = eigen_of(3, a);
  EXPECT_EQ(e.values, (std::vector<double>{3, -7, 1e-40}));
  EXPECT_EQ(e.vectors, (std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(eigen_of(2, {0, 0, 0, 0}).values, (std::vector<double>{0, 0}));
}

TEST(SymmetricEigen, ScalesWithPowersOfTwoBitForBit) {
  std::mt19937_64 random(2);
  const auto a = random_gram(7, 9, random);
  const Eigen plain = eigen_of(7, a);
  for (double scale : {0x1p-200, 0x1p200}) {
    std::vector<double> scaled = a;
    for (double& x : scaled) x *= scale;
    const Eigen e = eigen_of(7, scaled);
    EXPECT_EQ(e.vectors, plain.vectors);
    for (std::size_t k = 0; k < 7; ++k) EXPECT_EQ(e.values[k], scale * plain.values[k]);
  }
}

TEST(SymmetricEigen, GivesTheSameBitsOnEveryTeam) {
  std::mt19937_64 random(3);
  for (int m : {2, 3, 8, 13}) {
    const auto a = random_gram(m, m, random);
    const Eigen alone = eigen_of(m, a);
    for (int threads : {2, 7, 32}) {
      const Eigen many = eigen_on(m, a, [&](auto&& body) { run_host_team<HostTeam>(threads, body); });
      EXPECT_EQ(many.values, alone.values) << threads;
      EXPECT_EQ(many.vectors, alone.vectors) << threads;
    }
  }
}

}  // namespace
}  // namespace equipoise::test
