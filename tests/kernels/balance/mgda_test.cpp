// tests/kernels/balance/mgda_test.cpp - MGDA's mixing matrix and what its step gives to each task.
#include "kernels/balance/mgda.h"

#include <cmath>

#include "tests/kernels/balance/golden.h"
#include "tests/kernels/balance/gradient_families.h"
#include "tests/reference/min_norm.h"

namespace equipoise::test {
namespace {

const auto kMgda = [](const auto& team, const Mixing& in) { mix_mgda(team, in, Method{}); };

TEST(Mgda, PutsTheMinNormWeightsOnTheDiagonal) {
  const Mixed mixed = mix({2, {1, 0, 0, 4}}, kMgda);
  EXPECT_EQ(mixed.mixing, (std::vector<double>{0.8, 0, 0, 0.2}));
  EXPECT_LE(mixed.certificate, 1e-15);
}

TEST(Mgda, GivesEveryTaskAtLeastTheSquaredLengthOfTheStep) {
  GradientFamilies families(1);
  for (int n = 0; n < 2000; ++n) {
    const int m = families.whole(2, 8);
    Rows rows = families.rows(static_cast<Family>(n % kFamilies), m);
    const std::vector<double> gram = families.gram(rows, Change::none);
    const Mixed mixed = mix_once({m, gram}, kMgda);
    std::vector<double> step(rows[0].size(), 0.0);
    for (const auto& row : balanced(mixed, rows))
      for (std::size_t d = 0; d < step.size(); ++d) step[d] += row[d];
    double square = 0;
    for (double x : step) square += x * x;
    for (int i = 0; i < m; ++i) {
      double gain = 0, terms = 0;
      for (std::size_t d = 0; d < step.size(); ++d) gain += rows[static_cast<std::size_t>(i)][d] * step[d];
      for (int j = 0; j < m; ++j) terms += std::abs(gram[static_cast<std::size_t>(i * m + j)]) * mixed.at(j, j, m);
      // The certificate, and the rounding of gram and of this sum against the lengths (not only the inner products).
      const double length = std::sqrt(gram[static_cast<std::size_t>(i * (m + 1))]);
      double lengths = 0;
      for (int j = 0; j < m; ++j) lengths += mixed.at(j, j, m) * std::sqrt(gram[static_cast<std::size_t>(j * (m + 1))]);
      ASSERT_GE(gain - square, -1e-12 * terms - 1e-14 * length * lengths);
    }
  }
}

TEST(Mgda, ReturnsTheGapThatHoldsInQuadruplePrecision) {
  GradientFamilies families(2);
  for (int n = 0; n < 50; ++n) {
    const int m = families.whole(2, 8);
    Rows rows = families.rows(static_cast<Family>(n % kFamilies), m);
    const std::vector<double> gram = families.gram(rows, static_cast<Change>(n % kChanges));
    const Mixed mixed = mix({m, gram}, kMgda);
    std::vector<double> weights;
    for (int i = 0; i < m; ++i) weights.push_back(mixed.at(i, i, m));
    EXPECT_LE(mixed.certificate, 1e-12);
    EXPECT_NEAR(mixed.certificate, reference::min_norm_gap(weights.size(), gram, weights), 1e-15);
  }
}

TEST(Mgda, MakesTheGoldenSteps) {
  int compared = 0;
  for (const Golden& golden : golden_problems()) {
    if (golden.tasks() < 2 || golden.name.find("_zero_") != std::string::npos) continue;
    const Rows rows = golden.rows("grads");
    const Mixed mixed = mix({golden.tasks(), gram_of(rows)}, kMgda);
    double square = 0, terms = 0;
    for (std::size_t d = 0; d < rows[0].size(); ++d) {
      double x = 0, size = 0;
      for (const auto& row : balanced(mixed, rows)) {
        x += row[d];
        size += std::abs(row[d]);
      }
      square += x * x;
      terms += size * size;
    }
    EXPECT_NEAR(square, golden.values("minnorm.norm2")[0], 1e-9 * terms) << golden.name;
    ++compared;
  }
  EXPECT_EQ(compared, 11);
}

}  // namespace
}  // namespace equipoise::test
