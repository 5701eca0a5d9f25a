// tests/kernels/balance/fairgrad_test.cpp - FairGrad: residuals of G a = a^(-1/alpha), limits, and no solution.
#include "kernels/balance/fairgrad.h"

#include <gtest/gtest.h>

#include "kernels/balance/nash_mtl.h"
#include "tests/kernels/balance/bargain_rig.h"

namespace equipoise::test {
namespace {

auto fairgrad(double alpha) {
  return [alpha](const auto& team, const Mixing& in) {
    Method method;
    method.alpha = alpha;
    mix_fairgrad(team, in, method);
  };
}

TEST(FairGrad, SolvesItsEquations) {
  std::mt19937_64 random(1);
  for (double alpha : {0.1, 0.5, 2.0, 10.0})
    for (int family = 0; family < kSolvableFamilies; ++family)
      for (int round = 0; round < 100; ++round) {
        const int tasks = 2 + round % 31;
        Rows rows = solvable_rows(family, tasks, random);
        scale_rows(rows, 0.5, random);
        const auto gram = gram_of(rows);
        const Mixed mixed = mix_once({tasks, gram}, fairgrad(alpha));
        expect_positive_diagonal(mixed, tasks);
        const Residual residual = bargaining_residual(gram, mixed, tasks, 1 / alpha);
        // a^-10 of conflicting tasks may be far smaller than the terms of G a, whose rounding then decides
        ASSERT_TRUE(residual.of_right_side <= 1e-10L || residual.of_terms <= 1e-13L)
            << "alpha " << alpha << ", family " << family << ", " << tasks << " tasks";
      }
}

TEST(FairGrad, SolvesThemToTheRoundingOfTheirTermsAtAnyScale) {
  // A small gradient against a large one is balanced by terms far larger than what is left of them.
  std::mt19937_64 random(2);
  for (double alpha : {0.5, 2.0})
    for (int family = 0; family < kSolvableFamilies; ++family)
      for (double decades : {3.0, 30.0})
        for (int round = 0; round < 100; ++round) {
          const int tasks = 2 + round % 31;
          Rows rows = solvable_rows(family, tasks, random);
          scale_rows(rows, decades, random);
          const auto gram = gram_of(rows);
          const Mixed mixed = mix_once({tasks, gram}, fairgrad(alpha));
          expect_positive_diagonal(mixed, tasks);
          ASSERT_LE(bargaining_residual(gram, mixed, tasks, 1 / alpha).of_terms, 1e-12L)
              << "alpha " << alpha << ", family " << family << ", " << tasks << " tasks over " << decades;
        }
}

TEST(FairGrad, GivesTheSameBitsOnEveryTeam) {
  std::mt19937_64 random(3);
  for (int tasks : {2, 3, 8, 17}) {
    const Rows rows = solvable_rows(2, tasks, random);
    expect_positive_diagonal(mix({tasks, gram_of(rows)}, fairgrad(2.0)), tasks);
  }
}

TEST(FairGrad, IsNashMtlAtAlphaOne) {
  std::mt19937_64 random(4);
  const MixingCase in{5, gram_of(random_rows(5, 12, random))};
  EXPECT_EQ(mix(in, fairgrad(1.0)).mixing,
            mix(in, [](const auto& team, const Mixing& m) { mix_nash_mtl(team, m, Method{}); }).mixing);
}

TEST(FairGrad, WeighsOrthogonalTasksByAPowerOfTheirNorms) {
  // n^2 a = a^(-1/alpha): a = n^(-2 alpha / (1 + alpha))
  const Mixed mixed = mix({3, {1, 0, 0, 0, 64, 0, 0, 0, 1e-6}}, fairgrad(2.0));
  EXPECT_NEAR(mixed.at(0, 0, 3), 1.0, 1e-14);
  EXPECT_NEAR(mixed.at(1, 1, 3), 0.0625, 1e-14);
  EXPECT_NEAR(mixed.at(2, 2, 3), 1e4, 1e-9);
}

TEST(FairGrad, StandsStillBetweenOppositeGradients) {
  const Rows rows{{1, -2, 2}, {-3, 6, -6}};
  for (double alpha : {0.1, 0.5, 2.0, 10.0}) {
    const Mixed mixed = mix({2, gram_of(rows)}, fairgrad(alpha));
    EXPECT_LE(norm_of(total(balanced(mixed, rows))), 1e-11L) << alpha << "; the solver's certificate is 1e-12";
    EXPECT_NEAR(mixed.at(0, 0, 2), 0.75, 1e-12) << alpha;
  }
}

TEST(FairGrad, StaysFiniteWhereScalesAreBeyondDoubles) {
  std::mt19937_64 random(5);
  for (double alpha : {0.01, 100.0})
    for (int round = 0; round < 50; ++round) {
      Rows rows = random_rows(2 + round % 7, 20, random);
      scale_rows(rows, 30, random);
      const Mixed mixed = mix_once({static_cast<int>(rows.size()), gram_of(rows)}, fairgrad(alpha));
      for (double a : mixed.mixing) {
        EXPECT_TRUE(std::isfinite(a)) << alpha;
        EXPECT_GE(a, 0.0) << alpha;
      }
    }
}

}  // namespace
}  // namespace equipoise::test
