// tests/kernels/balance/imtl_g_test.cpp - IMTL-G against the paper's linear system, stored figures and its promises.
#include "kernels/balance/imtl_g.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/kernels/balance/golden.h"
#include "tests/kernels/balance/mixing_rig.h"
#include "tests/kernels/balance/random_gradients.h"

namespace equipoise::test {
namespace {

const auto imtl_g = [](const auto& team, const Mixing& in) { mix_imtl_g(team, in, Method{}); };

Mixed imtl_g_of(const Rows& rows) { return mix({static_cast<int>(rows.size()), gram_of(rows)}, imtl_g); }

std::vector<double> diagonal(const Mixed& mixed, int tasks) {
  std::vector<double> weights;
  for (int i = 0; i < tasks; ++i)
    for (int j = 0; j < tasks; ++j)
      if (i == j) weights.push_back(mixed.at(i, i, tasks));
      else EXPECT_EQ(mixed.at(i, j, tasks), 0.0);
  return weights;
}

/// As the paper states it: w_2..K = g_1 U^T (D U^T)^-1 with D = g_1 - g_j, U = u_1 - u_j, and w_1 = 1 - the rest.
std::vector<long double> paper_weights(const Rows& rows) {
  const std::size_t n = rows.size() - 1, length = rows[0].size();
  std::vector<long double> norms, a(n * n, 0), b(n, 0);
  for (const auto& row : rows) norms.push_back(norm_of(row));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t d = 0; d < length; ++d) {
      const long double u = rows[0][d] / norms[0] - rows[i + 1][d] / norms[i + 1];
      b[i] += rows[0][d] * u;
      for (std::size_t j = 0; j < n; ++j) a[i * n + j] += (static_cast<long double>(rows[0][d]) - rows[j + 1][d]) * u;
    }
  std::vector<long double> w = solved(a, b);
  long double rest = 1;
  for (long double x : w) rest -= x;
  w.insert(w.begin(), rest);
  return w;
}

TEST(ImtlG, MatchesTheLinearSystemOfThePaper) {
  std::mt19937_64 random(1);
  for (int tasks : {2, 3, 5, 8, 16, 32})
    for (int round = 0; round < 3; ++round) {
      Rows rows = random_rows(tasks, 4 * tasks, random, 0.3);
      scale_rows(rows, 1, random);
      const auto weights = diagonal(imtl_g_of(rows), tasks);
      const auto expected = paper_weights(rows);
      for (int i = 0; i < tasks; ++i)
        EXPECT_NEAR(weights[static_cast<std::size_t>(i)], static_cast<double>(expected[static_cast<std::size_t>(i)]),
                    1e-11)  // a cosine matrix of condition below 1e3, and weights below 10
            << tasks << " tasks";
    }
}

TEST(ImtlG, MatchesStoredFigures) {
  int compared = 0;
  for (const Golden& golden : golden_problems()) {
    if (!golden.has("imtlg.scaled") || golden.tasks() < 2) continue;
    const Rows rows = golden.rows("grads"), expected = golden.rows("imtlg.scaled");
    const Rows scaled = balanced(imtl_g_of(rows), rows);
    long double largest = 0;
    for (const auto& row : expected) largest = std::max(largest, norm_of(row));
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t d = 0; d < rows[i].size(); ++d)
        // 1e-10: float64 on both sides, condition of the worst file below 1e4
        EXPECT_NEAR(scaled[i][d], expected[i][d], 1e-10 * static_cast<double>(largest)) << golden.name;
    ++compared;
  }
  EXPECT_GE(compared, 7);
}

TEST(ImtlG, GivesTheStepEqualProjectionsAtAnyScale) {
  std::mt19937_64 random(2);
  for (double decades : {0.0, 3.0, 30.0}) {
    Rows rows = random_rows(6, 20, random, 1.0);
    scale_rows(rows, decades, random);
    const Mixed mixed = imtl_g_of(rows);
    const Rows scaled = balanced(mixed, rows);
    const auto step = total(scaled);
    long double sum = 0;
    for (double w : diagonal(mixed, 6)) sum += w;
    EXPECT_NEAR(static_cast<double>(sum), 1.0, 1e-12);
    const auto projection = static_cast<double>(inner(step, rows[0]) / norm_of(rows[0]));
    for (const auto& row : rows)
      EXPECT_NEAR(static_cast<double>(inner(step, row) / norm_of(row)), projection, 1e-12 * std::abs(projection))
          << decades << " decades; condition about 1e1";
  }
}

TEST(ImtlG, WeighsParallelGradientsByTheirInverseNorms) {
  const Mixed mixed = imtl_g_of({{1, 2}, {2, 4}, {4, 8}});
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(mixed.at(i, i, 3), (4 >> i) / 7.0, 1e-15);
}

TEST(ImtlG, StandsStillBetweenOppositeGradients) {
  const Rows rows{{1, -2, 2}, {-3, 6, -6}};
  const Mixed mixed = imtl_g_of(rows);
  EXPECT_NEAR(mixed.at(0, 0, 2), 0.75, 1e-15);
  EXPECT_NEAR(mixed.at(1, 1, 2), 0.25, 1e-15);
}

TEST(ImtlG, SharesTheWeightOfADuplicate) {
  std::mt19937_64 random(3);
  const Rows rows = random_rows(3, 9, random);
  const auto alone = diagonal(imtl_g_of(rows), 3), twice = diagonal(imtl_g_of({rows[0], rows[1], rows[2], rows[2]}), 4);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(twice[i], alone[i], 1e-13);
  for (std::size_t i = 2; i < 4; ++i) EXPECT_NEAR(twice[i], alone[2] / 2, 1e-13);
}

TEST(ImtlG, WeighsAllEquallyWhereTheWeightsWouldSumToZero) {
  // Cosines 0, 0.6, 0.6 give v = (2, 2, -1) times a factor, and norms 1, 1, 1/4 then the sum 2 + 2 - 4.
  const Mixed mixed = mix({3, {1, 0, 0.15, 0, 1, 0.15, 0.15, 0.15, 0.0625}}, imtl_g);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(mixed.at(i, i, 3), 1.0 / 3);
}

}  // namespace
}  // namespace equipoise::test
