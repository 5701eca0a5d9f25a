// tests/kernels/balance/famo_test.cpp - FAMO against a plain version of its update, its aim, absent tasks, odd losses.
#include "kernels/balance/famo.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/kernels/balance/weighing_rig.h"

namespace equipoise::test {
namespace {

auto famo(int tasks) {
  return WeighingRun(MethodKind::famo, tasks, [](const Weighing& in, const Method& method) { weigh_famo(in, method); });
}

std::vector<long double> softmax(const std::vector<long double>& x) {
  std::vector<long double> z;
  long double sum = 0;
  for (long double v : x) sum += std::exp(v);
  for (long double v : x) z.push_back(std::exp(v) / sum);
  return z;
}

TEST(Famo, FollowsThePaperWithTheNextStepsLoss) {
  constexpr std::size_t kTasks = 3;
  auto run = famo(kTasks);
  run.method.lr = 0.05;
  run.method.decay = 0.01;
  std::vector<long double> xi(kTasks, 0), m(kTasks, 0), v(kTasks, 0), last;
  for (int t = 0; t < 200; ++t) {
    std::vector<double> losses;
    for (std::size_t i = 0; i < kTasks; ++i)
      losses.push_back((1.0 + static_cast<double>(i)) * std::exp(-0.01 * t) + 0.5 +
                       0.3 * std::sin(t * (1.0 + static_cast<double>(i))));
    if (t > 0) {
      const auto z = softmax(xi);
      std::vector<long double> delta;
      long double mean = 0;
      for (std::size_t i = 0; i < kTasks; ++i) {
        delta.push_back(std::log(last[i] + 1e-8L) - std::log(losses[i] + 1e-8L));
        mean += z[i] * delta[i];
      }
      for (std::size_t i = 0; i < kTasks; ++i) {
        const long double g = z[i] * (delta[i] - mean) + 0.01L * xi[i];
        m[i] = 0.9L * m[i] + 0.1L * g;
        v[i] = 0.999L * v[i] + 0.001L * g * g;
        xi[i] -= 0.05L * (m[i] / (1 - std::pow(0.9L, t))) / (std::sqrt(v[i] / (1 - std::pow(0.999L, t))) + 1e-8L);
      }
    }
    const auto z = softmax(xi);
    long double sum = 0;
    for (std::size_t i = 0; i < kTasks; ++i) sum += z[i] / (losses[i] + 1e-8L);
    const auto weights = run.step(losses);
    for (std::size_t i = 0; i < kTasks; ++i)  // 1e-10: a gradient near zero passes through Adam's division
      ASSERT_NEAR(weights[i], static_cast<double>(z[i] / (losses[i] + 1e-8L) / sum), 1e-10) << t;
    EXPECT_EQ(run.next_weight, weights);
    last.assign(losses.begin(), losses.end());
  }
}

TEST(Famo, StartsFromInverseLosses) {
  auto run = famo(3);
  const auto w = run.step({1, 2, 4});
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(w[i], (4 >> i) / 7.0, 1e-8) << "its 1e-8 beside the losses";
}

TEST(Famo, GivesMoreToTheTaskWhoseLossFallsSlower) {
  auto run = famo(2);
  double first = 1, second = 1;
  run.step({first, second});
  for (int t = 0; t < 100; ++t) run.step({first *= 0.9, second *= 0.99});
  EXPECT_LT(run.state[0], -0.1);
  EXPECT_GT(run.state[1], 0.1);
}

TEST(Famo, KeepsAbsentTasksOutOfTheSoftmaxes) {
  auto run = famo(3), pair = famo(2);
  run.step({1, 2, 3}), pair.step({1, 2});
  run.present[2] = 0;
  const std::vector<double> before{run.state[2], run.state[5], run.state[8], run.state[11], run.state[14]};
  std::vector<double> weights, of_pair;
  for (const auto& losses : {std::vector<double>{0.9, 1.5, 1e9}, std::vector<double>{0.8, 1.6, -1e9}}) {
    weights = run.step(losses);
    of_pair = pair.step({losses[0], losses[1]});
  }
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(weights[i], of_pair[i]);
  EXPECT_EQ((std::vector<double>{run.state[2], run.state[5], run.state[8], run.state[11], run.state[14]}), before);
  const double z = std::exp(run.state[2]) / 3, others = std::exp(run.state[0]) / 0.8 + std::exp(run.state[1]) / 1.6;
  EXPECT_NEAR(weights[2], z / others, 1e-7) << "what it would have with its last loss";
}

TEST(Famo, CountsAdamsStepsOfEachTask) {
  auto run = famo(2);
  run.present[1] = 0;
  run.step({1, 1}), run.step({2, 1}), run.step({3, 1});
  EXPECT_EQ(run.state[8], 3);
  EXPECT_EQ(run.state[9], 0);
  run.present[1] = 1;
  const auto weights = run.step({3, 5});  // task 1 is known from here on: its logit has not moved
  EXPECT_EQ(run.state[1], 0);
  EXPECT_EQ(run.state[9], 1);
  EXPECT_NEAR(weights[0] + weights[1], 1.0, 1e-15);
}

TEST(Famo, HoldsTheWeightOfAnAbsentTaskToTheRangeOfDoubles) {
  auto run = famo(2);
  run.step({1, 1});
  run.state[1] = 2000;  // its logit: e^2000 over the other's, which no double holds
  run.present[1] = 0;
  const auto weights = run.step({1, 1});
  EXPECT_EQ(weights[0], 1.0);
  EXPECT_NEAR(weights[1] / std::exp(300.0), 1.0, 1e-12) << "strict_exp: a few units in the last place";
}

TEST(Famo, TakesALossBelowZeroForZero) {
  auto run = famo(2);
  const auto weights = run.step({-3, 1});
  EXPECT_NEAR(weights[0] * 1e-8, weights[1], 1e-15) << "1e-8 and 1 + 1e-8 divide equal shares";
  run.step({1, 1});  // the first rose from zero, the second stood still: the first one's logit rises
  EXPECT_GT(run.state[0], 0);
  EXPECT_LT(run.state[1], 0);
}

TEST(Famo, GivesFiniteWeightsForOddLosses) {
  auto run = famo(5);
  run.method.lr = 10;
  const std::vector<std::vector<double>> steps{{0, -1, 1e-300, 1, 1e300}, {1, -2, 1e300, 0, 1e-300}, {1, 1, 1, 1, 1}};
  for (int round = 0; round < 50; ++round)
    for (const auto& losses : steps) {
      const auto weights = run.step(losses);
      for (double w : weights) ASSERT_TRUE(std::isfinite(w));
      ASSERT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1.0, 1e-14);
    }
  std::fill(run.present.begin(), run.present.end(), 0);
  for (double w : run.step({1, 1, 1, 1, 1})) EXPECT_TRUE(std::isfinite(w)) << "no task at all";
  for (double w : famo(2).step({1, 1})) EXPECT_EQ(w, 0.5);
}

}  // namespace
}  // namespace equipoise::test
