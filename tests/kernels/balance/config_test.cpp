// tests/kernels/balance/config_test.cpp - ConFIG against unit vectors solved in full length, and its promises.
#include "kernels/balance/config.h"

#include <gtest/gtest.h>

#include "tests/kernels/balance/golden.h"
#include "tests/kernels/balance/mixing_rig.h"
#include "tests/kernels/balance/random_gradients.h"

namespace equipoise::test {
namespace {

const auto config = [](const auto& team, const Mixing& in) { mix_config(team, in, Method{}); };

Mixed config_of(const Rows& rows) { return mix({static_cast<int>(rows.size()), gram_of(rows)}, config); }

std::vector<double> step_of(const Rows& rows) { return total(balanced(config_of(rows), rows)); }

/// The definition, over whole vectors: x = U^T (U U^T)^-1 1, u = x / |x|, step = (sum_i g_i . u) u.
std::vector<long double> defined_step(const Rows& rows) {
  const std::size_t n = rows.size(), length = rows[0].size();
  std::vector<long double> a(n * n, 0), x(length, 0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) a[i * n + j] = inner(rows[i], rows[j]) / (norm_of(rows[i]) * norm_of(rows[j]));
  const auto coefficients = solved(a, std::vector<long double>(n, 1));
  long double square = 0, gain = 0;
  for (std::size_t d = 0; d < length; ++d) {
    for (std::size_t i = 0; i < n; ++i) x[d] += coefficients[i] * rows[i][d] / norm_of(rows[i]);
    square += x[d] * x[d];
  }
  for (const auto& row : rows)
    for (std::size_t d = 0; d < length; ++d) gain += row[d] * x[d];
  for (long double& e : x) e *= gain / square;
  return x;
}

TEST(ConFIG, MatchesItsDefinitionOverWholeVectors) {
  std::mt19937_64 random(1);
  for (int tasks : {2, 3, 5, 8, 16, 32})
    for (double decades : {0.0, 2.0, 30.0}) {
      Rows rows = random_rows(tasks, 4 * tasks, random, 0.3);
      scale_rows(rows, decades, random);
      const auto step = step_of(rows);
      const auto expected = defined_step(rows);
      long double size = 0, off = 0;
      for (std::size_t d = 0; d < step.size(); ++d) {
        size += expected[d] * expected[d];
        off += (step[d] - expected[d]) * (step[d] - expected[d]);
      }
      // The cosine matrix has a condition below 1e3; the sum of all g_i . u may cancel to a tenth.
      EXPECT_LE(std::sqrt(off / size), 1e-12) << tasks << " tasks over " << decades << " decades";
    }
}

TEST(ConFIG, GivesTheStepEqualCosinesWithEveryStoredGradient) {
  int tested = 0;
  for (const Golden& golden : golden_problems()) {
    const std::string kind = golden.name.substr(8, golden.name.find("_K") - 8);
    if (golden.tasks() < 2 || (kind != "random" && kind != "conflict" && kind != "scales")) continue;
    const Rows rows = golden.rows("grads");
    const auto step = step_of(rows);
    const auto cosine_with = [&](std::size_t i) {
      return static_cast<double>(inner(step, rows[i]) / (norm_of(step) * norm_of(rows[i])));
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_NEAR(cosine_with(i), cosine_with(0), 1e-11) << golden.name << ", condition up to 1e4";
      EXPECT_GT(std::abs(cosine_with(i)), 1e-6) << golden.name;
    }
    ++tested;
  }
  EXPECT_GE(tested, 7);
}

TEST(ConFIG, AddsParallelGradients) {
  const auto step = step_of({{1, 2}, {2, 4}, {4, 8}});
  EXPECT_NEAR(step[0], 7, 1e-14);
  EXPECT_NEAR(step[1], 14, 1e-14);
}

TEST(ConFIG, StandsStillWhereUnitGradientsCancel) {
  const Mixed two = config_of({{1, -2, 2}, {-3, 6, -6}});
  for (double w : two.mixing) EXPECT_EQ(w, 0.0);
  const double half = std::sqrt(0.75);  // three directions 120 degrees apart
  const Mixed three = config_of({{1e9, 0}, {-0.5, half}, {-0.5, -half}});
  for (double w : three.mixing) EXPECT_EQ(w, 0.0);
}

// Directions (1, 0), (0, 1) and (-1, 1) / sqrt(2): the x with |U x - 1| least is (1 - h, 1 + h), h = sqrt(2) / 4, and
// has length 3/2; the gradients (3, 0), (0, 2) and (-1, 1) gain 2 x_1 + 3 x_2 along it.
TEST(ConFIG, TakesTheDirectionOfLeastSquaresWhereNoneHasEqualCosines) {
  const auto step = step_of({{3, 0}, {0, 2}, {-1, 1}});
  const double h = std::sqrt(2.0) / 4;
  EXPECT_NEAR(step[0], (5 + h) * (1 - h) / 2.25, 1e-14);
  EXPECT_NEAR(step[1], (5 + h) * (1 + h) / 2.25, 1e-14);
}

TEST(ConFIG, KeepsItsDirectionWhenATaskIsDuplicated) {
  std::mt19937_64 random(2);
  const Rows rows = random_rows(3, 9, random, 0.5);
  const auto alone = step_of(rows), twice = step_of({rows[0], rows[1], rows[2], rows[2]});
  EXPECT_NEAR(static_cast<double>(inner(alone, twice) / (norm_of(alone) * norm_of(twice))), 1.0, 1e-14);
  const double per_length = static_cast<double>(norm_of(twice) / norm_of(alone));
  const auto gain = [&](std::size_t i) { return inner(rows[i], alone); };
  EXPECT_NEAR(per_length, static_cast<double>(1 + gain(2) / (gain(0) + gain(1) + gain(2))), 1e-13);
}

}  // namespace
}  // namespace equipoise::test
