// tests/reference/gradnorm_test.cpp - GradNorm by hand, its derivative, and its degenerate cases.
#include "tests/reference/gradnorm.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/reference/finite_difference.h"
#include "tests/reference/random_problem.h"

namespace equipoise::reference {
namespace {

TEST(GradNorm, AgreesWithACaseWorkedByHand) {
  // w n = 2, 12; mean 7; rates 0.5 / 1, 1.5 / 1; alpha 2: targets 7 / 4 and 63 / 4
  const GradNorm g = gradnorm({1.0, 3.0}, {2.0, 4.0}, {0.5, 1.5}, {true, true}, 2.0);
  EXPECT_EQ(g.norms, (std::vector<double>{2.0, 12.0}));
  EXPECT_EQ(g.rates, (std::vector<double>{0.5, 1.5}));
  EXPECT_EQ(g.targets, (std::vector<double>{1.75, 15.75}));
  EXPECT_EQ(g.loss, 4.0);
  EXPECT_EQ(g.gradient, (std::vector<double>{2.0, -4.0}));
}

TEST(GradNorm, HasNoGradientWhereANormMeetsItsTarget) {
  const GradNorm g = gradnorm({2.0, 1.0}, {1.0, 2.0}, {1.0, 1.0}, {true, true}, 0.16);
  EXPECT_EQ(g.loss, 0.0);
  EXPECT_EQ(g.gradient, (std::vector<double>{0.0, 0.0}));
}

TEST(GradNorm, RatesNeverFallBelowZeroAndUseTheSignedMean) {
  EXPECT_EQ(training_rates({3.0, 2.0, -0.5}, {true, true, true}), (std::vector<double>{2.0, 2.0 / 1.5, 0.0}));
}

TEST(GradNorm, RatesAreOneWhereTheMeanRatioIsNotAPositiveNumber) {
  const std::vector<double> ones = {1.0, 1.0};
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(training_rates({1.0, -3.0}, {true, true}), ones);
  EXPECT_EQ(training_rates({1.0, -1.0}, {true, true}), ones);
  EXPECT_EQ(training_rates({1.0, infinity}, {true, true}), ones);
  EXPECT_EQ(training_rates({1.0, std::numeric_limits<double>::quiet_NaN()}, {true, true}), ones);
}

TEST(GradNorm, LeavesOutATaskThatSitsTheStepOut) {
  const GradNorm two = gradnorm({1.0, 3.0}, {2.0, 4.0}, {0.5, 1.5}, {true, true}, 0.16);
  const GradNorm three = gradnorm({1.0, 9.0, 3.0}, {2.0, 7.0, 4.0}, {0.5, 8.0, 1.5}, {true, false, true}, 0.16);
  EXPECT_EQ(three.norms, (std::vector<double>{two.norms[0], 0.0, two.norms[1]}));
  EXPECT_EQ(three.targets, (std::vector<double>{two.targets[0], 0.0, two.targets[1]}));
  EXPECT_EQ(three.gradient, (std::vector<double>{two.gradient[0], 0.0, two.gradient[1]}));
  EXPECT_EQ(three.loss, two.loss);
}

TEST(GradNorm, WithOneTaskItsTargetIsItsNorm) {
  const GradNorm g = gradnorm({0.7}, {3.0}, {0.2}, {true}, 0.5);
  EXPECT_EQ(g.targets, g.norms);
  EXPECT_EQ(g.gradient, (std::vector<double>{0.0}));
}

TEST(GradNorm, GradientAgreesWithCentralDifferencesWhileTheTargetsStandStill) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Draws draws(seed);
    const int tasks = 2 + draws.below(5);
    const Matrix weights = draws.matrix(1, tasks, 0.1, 3.0);
    const std::vector<double> norms = draws.matrix(1, tasks, 0.1, 5.0).values;
    const std::vector<double> ratios = draws.matrix(1, tasks, -0.3, 2.0).values;
    const std::vector<bool> present(static_cast<std::size_t>(tasks), true);
    const GradNorm g = gradnorm(weights.values, norms, ratios, present, 0.7);
    const auto scalar = [&](const Matrix& w) {
      double loss = 0.0;
      for (std::size_t i = 0; i < norms.size(); ++i) loss += std::fabs(w.values[i] * norms[i] - g.targets[i]);
      return loss;
    };
    EXPECT_EQ(mismatch(Matrix(1, tasks, g.gradient), central_difference(weights, scalar), g.loss), "") << "weights";
  }
}

TEST(GradNorm, RescalingKeepsProportionsAndSumsToTheNumberOfTasks) {
  std::vector<double> weights = {1.0, 2.0, 5.0};
  rescale_to_count(weights);
  EXPECT_EQ(weights, (std::vector<double>{0.375, 0.75, 1.875}));
}

TEST(GradNorm, RefusesToRescaleWeightsWithoutAPositiveSum) {
  std::vector<double> weights = {1.0, -2.0};
  EXPECT_THROW(rescale_to_count(weights), std::domain_error);
}

}  // namespace
}  // namespace equipoise::reference
