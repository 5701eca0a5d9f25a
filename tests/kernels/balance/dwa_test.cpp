// tests/kernels/balance/dwa_test.cpp - dynamic weight average against plain means, absent tasks, odd losses.
#include "kernels/balance/dwa.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/balance/weighing_rig.h"

namespace equipoise::test {
namespace {

auto dwa(int tasks) {
  return WeighingRun(MethodKind::dwa, tasks, [](const Weighing& in, const Method& method) { weigh_dwa(in, method); });
}

double loss_at(int epoch, int step, int task) { return 1 + 2.0 * task + std::sin(epoch * 5 + step * 3 + task); }

TEST(Dwa, WeighsByTheMeanLossesOfTheLastTwoEpochs) {
  constexpr int kTasks = 3, kEpochs = 6;
  auto run = dwa(kTasks);
  run.method.temperature = 0.7;
  std::vector<std::vector<long double>> means;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    std::vector<long double> expected(kTasks, 1), sums(kTasks, 0);
    if (epoch >= 2) {
      long double sum = 0;
      for (std::size_t i = 0; i < kTasks; ++i) {
        expected[i] = std::exp(means[means.size() - 1][i] / means[means.size() - 2][i] / 0.7L);
        sum += expected[i];
      }
      for (long double& w : expected) w *= kTasks / sum;
    }
    const int steps = 4 + epoch;
    for (int step = 0; step < steps; ++step) {
      std::vector<double> losses;
      for (int i = 0; i < kTasks; ++i) losses.push_back(loss_at(epoch, step, i));
      const auto weights = run.step(losses, step == 0);
      for (std::size_t i = 0; i < kTasks; ++i) {
        EXPECT_NEAR(weights[i], static_cast<double>(expected[i]), 1e-14) << epoch << " " << step;
        sums[i] += losses[i];
      }
      EXPECT_EQ(run.next_weight, weights);
    }
    for (long double& sum : sums) sum /= steps;
    means.push_back(sums);
  }
}

TEST(Dwa, WeighsAllTasksOneUntilTwoEpochsAreKnown) {
  auto run = dwa(4);
  for (int epoch = 0; epoch < 2; ++epoch)
    for (int step = 0; step < 3; ++step)
      EXPECT_EQ(run.step({1, 2, 3, 4.0 + step}, step == 0), (std::vector<double>(4, 1.0)));
}

TEST(Dwa, LeavesAbsentTasksOutOfMeansAndSum) {
  auto run = dwa(3);
  run.method.temperature = 1.0;
  run.step({8, 2, 5}, true);
  run.present[2] = 0;
  run.step({4, 2, 1e9});  // means 6, 2, 5
  run.step({3, 3, 1e9}, true);
  run.present[2] = 1;
  run.step({3, 3, 10});  // means 3, 3, 10: ratios 1/2, 3/2, 2
  run.present[0] = 0;
  const auto weights = run.step({1e9, 1, 1}, true);
  const double sum = std::exp(1.5) + std::exp(2.0);
  EXPECT_NEAR(weights[0], 2 * std::exp(0.5) / sum, 1e-14);
  EXPECT_NEAR(weights[1], 2 * std::exp(1.5) / sum, 1e-14);
  EXPECT_NEAR(weights[2], 2 * std::exp(2.0) / sum, 1e-14);
}

TEST(Dwa, KeepsTheMeansOfATaskThatMissesAnEpoch) {
  auto run = dwa(2);
  run.step({4, 1}, true);
  run.step({2, 1}, true);  // 4, then 2
  const auto before = run.step({1, 1}, true);
  run.present[0] = 0;
  run.step({1, 1}, true);  // 2, then 1: closes an epoch of both
  run.step({1, 1}, true);  // closes an epoch of task 1 alone
  run.present[0] = 1;
  EXPECT_EQ(run.step({1, 1}, true), before) << "a half, as before";
}

TEST(Dwa, CountsNoRateBeyondABillion) {
  auto run = dwa(3);
  run.method.temperature = 1e9;
  run.step({1, 1, 1}, true);
  run.step({4e9, 5e8, 1e9}, true);  // rates over the temperature: 4, held to 1; 1/2; 1
  const double sum = 2 * std::exp(1.0) + std::exp(0.5);
  const auto weights = run.step({1, 1, 1}, true);
  EXPECT_NEAR(weights[0], 3 * std::exp(1.0) / sum, 1e-14);
  EXPECT_NEAR(weights[1], 3 * std::exp(0.5) / sum, 1e-14);
  EXPECT_NEAR(weights[2], 3 * std::exp(1.0) / sum, 1e-14);
}

TEST(Dwa, HoldsTheWeightOfAnAbsentTaskToTheRangeOfDoubles) {
  auto run = dwa(2);
  run.method.temperature = 1e-3;
  run.step({1, 1}, true);
  run.step({1, 3}, true);
  run.present[1] = 0;
  const auto weights = run.step({1, 1}, true);  // e^2000 over the other, which no double holds
  EXPECT_EQ(weights[0], 1.0);
  EXPECT_NEAR(weights[1] / std::exp(700.0), 1.0, 1e-12) << "strict_exp: a few units in the last place";
}

TEST(Dwa, GivesFiniteWeightsForOddLosses) {
  auto run = dwa(5);
  run.method.temperature = 1e-3;
  const std::vector<std::vector<double>> epochs{{0, -1, 1e-300, 1, 1e300}, {1, -2, 1e300, 0, 1e-300}, {1, 1, 1, 1, 1}};
  for (int round = 0; round < 2; ++round)
    for (const auto& losses : epochs) {
      double sum = 0;
      for (double w : run.step(losses, true)) {
        EXPECT_TRUE(std::isfinite(w));
        sum += w;
      }
      EXPECT_NEAR(sum, 5.0, 1e-14);
    }
  std::fill(run.present.begin(), run.present.end(), 0);
  for (double w : run.step({1, 1, 1, 1, 1})) EXPECT_TRUE(std::isfinite(w)) << "no task at all";
}

}  // namespace
}  // namespace equipoise::test
