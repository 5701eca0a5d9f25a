// tests/kernels/balance/aligned_mtl_test.cpp - Aligned-MTL against matrices built from their spectrum, and its
// promises.
#include "kernels/balance/aligned_mtl.h"

#include <gtest/gtest.h>

#include "tests/kernels/balance/golden.h"
#include "tests/kernels/balance/mixing_rig.h"
#include "tests/kernels/balance/random_gradients.h"

namespace equipoise::test {
namespace {

const auto aligned = [](const auto& team, const Mixing& in) { mix_aligned_mtl(team, in, Method{}); };

Mixed aligned_of(const Rows& rows) { return mix({static_cast<int>(rows.size()), gram_of(rows)}, aligned); }

/// Orthonormal columns by Gram and Schmidt, twice, in long double: q[i][k].
std::vector<std::vector<long double>> orthonormal(int m, std::mt19937_64& random) {
  const Rows start = random_rows(m, m, random);
  std::vector<std::vector<long double>> columns;
  for (const auto& row : start) {
    std::vector<long double> v(row.begin(), row.end());
    for (int pass = 0; pass < 2; ++pass)
      for (const auto& u : columns) {
        long double dot = 0;
        for (std::size_t i = 0; i < v.size(); ++i) dot += u[i] * v[i];
        for (std::size_t i = 0; i < v.size(); ++i) v[i] -= dot * u[i];
      }
    long double square = 0;
    for (long double x : v) square += x * x;
    for (long double& x : v) x /= std::sqrt(square);
    columns.push_back(v);
  }
  return columns;
}

/// sum over k of f_k q_k q_k^T
std::vector<double> from_spectrum(const std::vector<std::vector<long double>>& q, const std::vector<long double>& f) {
  const std::size_t m = q.size();
  std::vector<double> out;
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < m; ++j) {
      long double sum = 0;
      for (std::size_t k = 0; k < m; ++k) sum += f[k] * q[k][i] * q[k][j];
      out.push_back(static_cast<double>(sum));
    }
  return out;
}

TEST(AlignedMtl, IsTheRootOfTheInverseOfAMatrixWithKnownSpectrum) {
  std::mt19937_64 random(1);
  for (int m : {2, 3, 5, 8, 17, 32})
    for (int rank : {1, m / 2, m})
      for (double scale : {1e-60, 1.0, 1e60}) {
        if (rank == 0) continue;
        const auto q = orthonormal(m, random);
        std::vector<long double> values, roots;
        for (int k = 0; k < m; ++k) {  // 1, 2, 3, .. times scale, then zeros
          values.push_back(k < rank ? scale * (k + 1) : 0);
          roots.push_back(k < rank ? 1 / (m * std::sqrt(1.0L + k)) : 0);
        }
        const Mixed mixed = mix_once({m, from_spectrum(q, values)}, aligned);
        const auto expected = from_spectrum(q, roots);
        for (std::size_t e = 0; e < expected.size(); ++e)
          // condition up to 32 with m roundings an entry; entries are below 1 / m
          ASSERT_NEAR(mixed.mixing[e], expected[e], 2e-14) << m << " of rank " << rank << " at " << scale;
      }
}

TEST(AlignedMtl, MakesStoredGradientsOrthogonalAndOfEqualLength) {
  int tested = 0;
  for (const Golden& golden : golden_problems()) {
    if (golden.name.find("random") == std::string::npos || golden.tasks() < 2) continue;
    const Rows rows = golden.rows("grads"), made = balanced(aligned_of(rows), rows);
    const auto square = static_cast<double>(inner(made[0], made[0]));
    for (std::size_t i = 0; i < made.size(); ++i)
      for (std::size_t j = 0; j < made.size(); ++j)
        EXPECT_NEAR(static_cast<double>(inner(made[i], made[j])), i == j ? square : 0.0, 1e-12 * square)
            << golden.name << ", condition up to 1e3";
    ++tested;
  }
  EXPECT_GE(tested, 4);
}

TEST(AlignedMtl, AveragesOrthogonalGradientsAtTheLengthOfTheShortest) {
  const Mixed mixed = aligned_of({{3, 0}, {0, 0.5}});
  EXPECT_NEAR(mixed.at(0, 0, 2), 0.5 / 3 / 2, 1e-16);
  EXPECT_NEAR(mixed.at(1, 1, 2), 0.5, 1e-16);
  EXPECT_EQ(mixed.at(0, 1, 2), 0.0);
}

TEST(AlignedMtl, KeepsTheCommonDirectionOfParallelAndOppositeGradients) {
  // Rank one, V = g-lengths / their norm: B J = V (V^T J) / m, that is each g_i / m again.
  for (const Rows& rows : {Rows{{1, 2}, {2, 4}, {4, 8}}, Rows{{3, -1}, {-6, 2}}, Rows{{1, 1}, {1, 1}}}) {
    const Rows made = balanced(aligned_of(rows), rows);
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t d = 0; d < rows[i].size(); ++d)
        EXPECT_NEAR(made[i][d], rows[i][d] / static_cast<double>(rows.size()), 1e-14);
  }
}

TEST(AlignedMtl, IsSymmetricAndUnchangedWhenAllGradientsAreScaledByAPowerOfTwo) {
  std::mt19937_64 random(2);
  Rows rows = random_rows(5, 11, random);
  const Mixed plain = aligned_of(rows);
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 5; ++j) EXPECT_EQ(plain.at(i, j, 5), plain.at(j, i, 5));
  for (auto& row : rows)
    for (double& x : row) x *= 0x1p-90;
  EXPECT_EQ(aligned_of(rows).mixing, plain.mixing);
}

TEST(AlignedMtl, LeavesTinyGradientsOutBesideHugeOnes) {
  const Mixed mixed = aligned_of({{1e30, 0, 0}, {0, 1e30, 0}, {0, 0, 1e-30}});
  EXPECT_NEAR(mixed.at(0, 0, 3), 1.0 / 3, 1e-15);
  EXPECT_NEAR(mixed.at(1, 1, 3), 1.0 / 3, 1e-15);
  EXPECT_EQ(mixed.at(2, 2, 3), 0.0);
}

}  // namespace
}  // namespace equipoise::test
