// tests/kernels/balance/nash_mtl_test.cpp - Nash-MTL: residuals of G a = 1 / a, closed forms, and no solution.
#include "kernels/balance/nash_mtl.h"

#include <gtest/gtest.h>

#include "tests/kernels/balance/bargain_rig.h"
#include "tests/kernels/balance/golden.h"

namespace equipoise::test {
namespace {

const auto nash = [](const auto& team, const Mixing& in) { mix_nash_mtl(team, in, Method{}); };

Mixed nash_of(const Rows& rows) { return mix({static_cast<int>(rows.size()), gram_of(rows)}, nash); }

TEST(NashMtl, SolvesItsEquationsAtAnyScale) {
  std::mt19937_64 random(1);
  for (int family = 0; family < kSolvableFamilies; ++family)
    for (double decades : {0.0, 3.0, 30.0})
      for (int round = 0; round < 200; ++round) {
        const int tasks = 2 + round % 31;
        Rows rows = solvable_rows(family, tasks, random);
        scale_rows(rows, decades, random);
        const auto gram = gram_of(rows);
        const Mixed mixed = mix_once({tasks, gram}, nash);
        expect_positive_diagonal(mixed, tasks);
        ASSERT_LE(bargaining_residual(gram, mixed, tasks, 1.0).of_right_side, 1e-10L)
            << "family " << family << ", " << tasks << " tasks over " << decades << " decades";
      }
}

TEST(NashMtl, GivesTheSameBitsOnEveryTeam) {
  std::mt19937_64 random(2);
  for (int tasks : {2, 3, 8, 17}) {
    const Rows rows = solvable_rows(0, tasks, random);
    expect_positive_diagonal(nash_of(rows), tasks);
  }
}

TEST(NashMtl, HasAClosedFormForTwoTasks) {
  // n_1 a_1 = n_2 a_2 = 1 / sqrt(1 + cosine)
  for (double c : {0.9, 0.0, -0.9}) {
    const double n = 40.0;
    const Mixed mixed = mix({2, {1, c * n, c * n, n * n}}, nash);
    EXPECT_NEAR(mixed.at(0, 0, 2), 1 / std::sqrt(1 + c), 1e-12);  // residual 1e-13 over a slope of at least 0.1
    EXPECT_NEAR(mixed.at(1, 1, 2), 1 / (n * std::sqrt(1 + c)), 1e-12 / n);
  }
}

TEST(NashMtl, DoesNotDependOnTheScaleOfAGradient) {
  std::mt19937_64 random(3);
  Rows rows = random_rows(4, 9, random);
  const auto plain = total(balanced(nash_of(rows), rows));
  for (double& x : rows[2]) x *= 1e20;
  const auto scaled = total(balanced(nash_of(rows), rows));
  for (std::size_t d = 0; d < plain.size(); ++d) EXPECT_NEAR(scaled[d], plain[d], 1e-13);
  EXPECT_NEAR(static_cast<double>(norm_of(plain)), 2.0, 1e-13) << "sqrt of four tasks";
}

TEST(NashMtl, SolvesStoredProblemsWithoutZeroInTheirHull) {
  int tested = 0;
  for (const Golden& golden : golden_problems()) {
    const std::string kind = golden.name.substr(8, golden.name.find("_K") - 8);
    if (golden.tasks() < 2 || (kind != "random" && kind != "conflict" && kind != "scales" && kind != "equal")) continue;
    const Rows rows = golden.rows("grads");
    const auto gram = gram_of(rows);
    const Mixed mixed = nash_of(rows);
    EXPECT_LE(bargaining_residual(gram, mixed, golden.tasks(), 1.0).of_right_side, 1e-10L) << golden.name;
    ++tested;
  }
  EXPECT_GE(tested, 8);
}

TEST(NashMtl, TakesMinNormWeightsWhereZeroIsInTheHull) {
  const double half = std::sqrt(0.75);
  for (const Rows& rows : {Rows{{1, -2, 2}, {-3, 6, -6}}, Rows{{1, 0}, {-0.5, half}, {-0.5, -half}},
                           Rows{{1, 1}, {-1, 0}, {0, -1}, {5, 5}}}) {
    const int tasks = static_cast<int>(rows.size());
    const Mixed mixed = nash_of(rows);
    double sum = 0;
    for (int i = 0; i < tasks; ++i) {
      EXPECT_GE(mixed.at(i, i, tasks), 0.0);
      sum += mixed.at(i, i, tasks);
    }
    EXPECT_NEAR(sum, 1.0, 4e-15);  // 4 m eps
    EXPECT_LE(norm_of(total(balanced(mixed, rows))), 1e-7L) << "the root of the solver's rounding";
  }
}

TEST(NashMtl, FollowsTheHullAsItNearsZero) {
  // Two unit gradients at an angle of pi - 2 gap: a = 1 / (sqrt(2) sin(gap)), until 1 + cosine is lost in rounding.
  for (double gap : {1e-1, 1e-2, 1e-3, 1e-4}) {
    const Rows rows{{std::cos(gap), std::sin(gap)}, {-std::cos(gap), std::sin(gap)}};
    const Mixed mixed = nash_of(rows);
    const double expected = 1 / (std::sqrt(2.0) * std::sin(gap));
    for (int i = 0; i < 2; ++i)
      EXPECT_NEAR(mixed.at(i, i, 2), expected, 1e-15 / (gap * gap) * expected) << "rounding of G over gap squared";
  }
}

}  // namespace
}  // namespace equipoise::test
