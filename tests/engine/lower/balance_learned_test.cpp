// tests/engine/lower/balance_learned_test.cpp - what one step means for methods that carry state over steps.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/engine/balance/balance_rig.h"

namespace equipoise::test {
namespace {

/// Adam's first step is lr * g / (|g| + eps), eps 1e-8, so it is the rate to 1e-8 over the slopes here, which are 0.01
/// or more.
constexpr double kFirstStep = 1e-6;

TEST(BalanceLearned, GivesGradNormsWeightsAfterOneUpdate) {
  BalanceProblem p = random_problem(3, 64, 4);
  for (std::size_t e = 0; e < 64; ++e) p.gradients[e] *= 5;
  p.losses = {9, 1, 2};
  p.initial_losses = {3, 2, 2};  // rates 3, 1/2, 1, their mean 3/2
  const double alpha = 1.5, lr = 0.1;
  const BalanceResult r = run(p, {"gradnorm:alpha=1.5,lr=0.1,renormalise=none"});
  Doubles expected;
  for (std::size_t i = 0; i < 3; ++i) {
    const double target = sum_of(r.norms) / 3 * std::pow(p.losses[i] / p.initial_losses[i] / 1.5, alpha);
    expected.push_back(1 - (r.norms[i] > target ? lr : -lr));
  }
  EXPECT_EQ(expected, (Doubles{1.1, 0.9, 1.1}));  // other directions than equal rates give, below
  expect_near(r.weights, expected, kFirstStep);
  const BalanceResult scaled = run(p, {"gradnorm:alpha=1.5,lr=0.1"});
  expect_near(scaled.weights, {3.3 / 3.1, 2.7 / 3.1, 3.3 / 3.1}, kFirstStep);
  p.initial_losses = {9, 1, 2};  // equal rates: targets are the mean norm
  expect_near(run(p, {"gradnorm:alpha=1.5,lr=0.1,renormalise=none"}).weights, {0.9, 1.1, 1.1}, kFirstStep);
}

TEST(BalanceLearned, GivesModifiedGradNormsWeightsAfterOneUpdate) {
  BalanceProblem p = random_problem(2, 64, 5);
  for (std::size_t e = 0; e < 64; ++e) p.gradients[e] *= 3;
  // Norms are their own first ones: the longer gradient is above the mean, and its logit falls by the rate.
  const BalanceResult r = run(p, {"gradnorm_modified:lr=0.25"});
  const double down = std::exp(-0.25), up = std::exp(0.25);
  expect_near(r.weights, {2 * down / (down + up), 2 * up / (down + up)}, kFirstStep);
}

TEST(BalanceLearned, GivesUncertaintyWeightsAfterOneUpdate) {
  BalanceProblem p = random_problem(2, 8, 6);
  p.losses = {4, 0.25};  // d/ds = (1 - L) / 2 at s = 0
  expect_near(run(p, {"uw:lr=0.5"}).weights, {0.5 * std::exp(-0.5), 0.5 * std::exp(0.5)}, kFirstStep);
}

TEST(BalanceLearned, TakesLossesForTheLastTwoEpochsOfDwa) {
  BalanceProblem p = random_problem(3, 8, 7);
  p.losses = {1, 3, 2};
  p.initial_losses = {2, 2, 2};
  const Doubles terms{std::exp(0.5 / 4), std::exp(1.5 / 4), std::exp(1.0 / 4)};
  const double sum = sum_of(terms);
  expect_near(run(p, {"dwa:temperature=4"}).weights, {3 * terms[0] / sum, 3 * terms[1] / sum, 3 * terms[2] / sum},
              kRounding);
}

TEST(BalanceLearned, UpdatesFamoByTheFallFromTheInitialLosses) {
  BalanceProblem p = random_problem(2, 8, 8);
  p.initial_losses = {1, 4};
  p.losses = {0.5, 4};  // the first task fell, the second did not: its logit rises
  const double first = std::exp(-0.1) / 0.5, second = std::exp(0.1) / 4;
  expect_near(run(p, {"famo:lr=0.1"}).weights, {first / (first + second), second / (first + second)}, kFirstStep);
}

TEST(BalanceLearned, DrawsRandomWeightsBySeed) {
  BalanceProblem p = random_problem(4, 8, 9);
  const Doubles first = run(p, {"rlw"}).weights;
  EXPECT_NEAR(sum_of(first), 1, kRounding);
  EXPECT_EQ(run(p, {"rlw"}).weights, first);
  p.seed = 2;
  EXPECT_NE(run(p, {"rlw"}).weights, first);
}

TEST(BalanceLearned, CallsGradVacForTheFirstTime) {
  // All averages are zero, so that a negative cosine is raised to zero: PCGrad's projection.
  const BalanceProblem p = random_problem(4, 12, 10);
  const BalanceResult vac = run(p, {"gradvac:order=identity"}), projected = run(p, {"pcgrad:order=identity"});
  EXPECT_NE(projected.balanced, p.gradients);  // something does conflict
  for (std::size_t e = 0; e < 16; ++e) EXPECT_NEAR(vac.mixing[e], projected.mixing[e], 1e-12) << e;
}

TEST(BalanceLearned, CallsNsgdForTheFirstTime) {
  // Each norm is its own first one: equal shares of the mean norm.
  const BalanceResult r = run(random_problem(4, 12, 11), {"nsgd"});
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(r.mixing[5 * i] * r.norms[i], sum_of(r.norms) / 4, kRounding * sum_of(r.norms)) << i;
}

}  // namespace
}  // namespace equipoise::test
