// tests/kernels/balance/rlw_test.cpp - random loss weighting: its draws, their distribution, absent tasks.
#include "kernels/balance/rlw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/kernels/balance/weighing_rig.h"

namespace equipoise::test {
namespace {

auto rlw(int tasks) {
  return WeighingRun(MethodKind::rlw, tasks, [](const Weighing& in, const Method& method) { weigh_rlw(in, method); });
}

TEST(Rlw, SumsToOneAndDiffersFromStepToStepReplicaSeedAndBalancer) {
  for (int tasks : {1, 2, 4, 5, 32}) {
    const std::vector<double> losses(static_cast<std::size_t>(tasks), 1.0);
    auto run = rlw(tasks), again = rlw(tasks), other = rlw(tasks), seeded = rlw(tasks), second_balancer = rlw(tasks);
    other.draws.replica = 1;
    seeded.draws.seed = 2;
    second_balancer.draws.balancer = 1;
    const auto first = run.step(losses), second = run.step(losses);
    EXPECT_NEAR(std::accumulate(first.begin(), first.end(), 0.0), 1.0, 1e-14);
    EXPECT_EQ(again.step(losses), first);
    if (tasks == 1) continue;
    EXPECT_NE(first, second);
    EXPECT_NE(other.step(losses), first);
    EXPECT_NE(seeded.step(losses), first);
    EXPECT_NE(second_balancer.step(losses), first);
  }
}

TEST(Rlw, DrawsLogRatiosOfIndependentNormals) {
  // log(w_i / w_j) = z_i - z_j has mean 0 and variance 2; differences from one task are correlated by one half.
  constexpr int kSteps = 20000, kTasks = 6;
  auto run = rlw(kTasks);
  double sum[kTasks] = {}, square[kTasks] = {}, cross = 0;
  for (int t = 0; t < kSteps; ++t) {
    const auto w = run.step(std::vector<double>(kTasks, 1.0));
    for (std::size_t i = 1; i < kTasks; ++i) {
      const double z = std::log(w[i] / w[0]);
      sum[i] += z;
      square[i] += z * z;
    }
    cross += std::log(w[1] / w[0]) * std::log(w[5] / w[0]);
  }
  for (int i = 1; i < kTasks; ++i) {  // five standard errors of each
    EXPECT_NEAR(sum[i] / kSteps, 0.0, 5 * std::sqrt(2.0 / kSteps)) << i;
    EXPECT_NEAR(square[i] / kSteps, 2.0, 5 * std::sqrt(8.0 / kSteps)) << i;
  }
  EXPECT_NEAR(cross / kSteps, 1.0, 5 * std::sqrt(5.0 / kSteps));
}

TEST(Rlw, SharesTheSumAmongTasksThatArePresent) {
  auto all = rlw(6), some = rlw(6), none = rlw(6);
  some.present = {1, 0, 1, 1, 0, 1};
  none.present = {0, 0, 0, 0, 0, 0};
  const std::vector<double> losses(6, 1.0);
  const auto whole = all.step(losses), part = some.step(losses);
  EXPECT_NEAR(part[0] + part[2] + part[3] + part[5], 1.0, 1e-14);
  for (std::size_t i = 1; i < 6; ++i) EXPECT_NEAR(part[i] / part[0], whole[i] / whole[0], 1e-13 * whole[i] / whole[0]);
  EXPECT_EQ(none.step(losses), whole);
}

}  // namespace
}  // namespace equipoise::test
