// tests/kernels/balance/uw_test.cpp - uncertainty weighting against a plain Adam, its balance, and losses without one.
#include "kernels/balance/uw.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/balance/weighing_rig.h"

namespace equipoise::test {
namespace {

auto uw(int tasks) {
  return WeighingRun(MethodKind::uw, tasks, [](const Weighing& in, const Method& method) { weigh_uw(in, method); });
}

TEST(Uw, FollowsAdamOnTheLogVariances) {
  auto run = uw(2);
  run.settings.task_lr = 0.1;
  long double s[2] = {}, m[2] = {}, v[2] = {};
  for (int t = 1; t <= 300; ++t) {
    const std::vector<double> losses{3.0 + std::sin(t), 0.2 + 0.1 * std::cos(t)};
    const auto weights = run.step(losses);
    for (std::size_t i = 0; i < 2; ++i) {
      ASSERT_NEAR(weights[i], static_cast<double>(std::exp(-s[i]) / 2), 1e-12 * weights[i]) << t;
      const long double g = 0.5L - std::exp(-s[i]) / 2 * losses[i];
      m[i] = 0.9L * m[i] + 0.1L * g;
      v[i] = 0.999L * v[i] + 0.001L * g * g;
      s[i] -= 0.1L * (m[i] / (1 - std::pow(0.9L, t))) / (std::sqrt(v[i] / (1 - std::pow(0.999L, t))) + 1e-8L);
      ASSERT_NEAR(run.next_weight[i], static_cast<double>(std::exp(-s[i]) / 2), 1e-12 * run.next_weight[i]) << t;
    }
  }
}

TEST(Uw, StartsAtOneHalfAndComesToRestAtHalfTheInverseLoss) {
  auto run = uw(2);
  run.settings.task_lr = 0.01;
  EXPECT_EQ(run.step({4.0, 0.25}), (std::vector<double>{0.5, 0.5}));
  for (int t = 0; t < 3000; ++t) run.step({4.0, 0.25});
  EXPECT_NEAR(run.next_weight[0], 0.125, 1e-6);
  EXPECT_NEAR(run.next_weight[1], 2.0, 1e-5);
}

TEST(Uw, KeepsTheStateOfAnAbsentTaskAndTheOthersFromNoticing) {
  auto both = uw(2), alone = uw(2);
  const auto task_state = [](const std::vector<double>& state, std::size_t i) {
    return std::vector<double>{state[i], state[2 + i], state[4 + i], state[6 + i], state[8 + i]};
  };
  both.step({2, 3}), alone.step({2, 3});
  const auto before = task_state(alone.state, 1);
  alone.present[1] = 0;
  both.step({2, 3}), alone.step({2, -77});
  EXPECT_EQ(task_state(alone.state, 1), before);
  EXPECT_NE(task_state(both.state, 1), before);
  EXPECT_EQ(task_state(alone.state, 0), task_state(both.state, 0));
}

TEST(Uw, BoundsTheWeightOfALossThatIsNotPositive) {
  auto run = uw(3);
  run.settings.task_lr = 1.0;
  for (int t = 0; t < 200; ++t) run.step({0.0, -1.0, 1e300});
  EXPECT_NEAR(run.next_weight[0], std::exp(30.0) / 2, 1e-2 * std::exp(30.0));
  EXPECT_NEAR(run.next_weight[1], std::exp(30.0) / 2, 1e-2 * std::exp(30.0));
  for (double x : run.state) EXPECT_FALSE(std::isnan(x));
  EXPECT_GT(run.next_weight[2], 0.0);
}

TEST(Uw, DoesNotStartAgainWhenAPowerOfBetaVanishes) {
  auto run = uw(1);
  run.settings.beta1 = 0.25;
  run.settings.task_lr = 1e-4;
  for (int t = 0; t < 700; ++t) run.step({1.5});  // 0.25^538 is below every double
  const double before = run.state[0];
  run.step({1.5});
  EXPECT_LT(std::abs(run.state[0] - before), 1.01e-4) << "a fresh bias correction would move it 4 / 3 as far";
  EXPECT_EQ(run.state[3], 0.0);
}

}  // namespace
}  // namespace equipoise::test
