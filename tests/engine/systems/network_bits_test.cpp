// tests/engine/systems/network_bits_test.cpp - where GradNorm's loss is the network's loss too (network=on), a training
// has equal bits on every team, in any launch and plan, after a resume and from its record.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/train/record.h"
#include "engine/train/replay.h"
#include "tests/engine/run/team_executor.h"
#include "tests/engine/systems/network_cases.h"

namespace equipoise::test {
namespace {

class NetworkBits : public ::testing::TestWithParam<NetworkCase> {};

TEST_P(NetworkBits, AreEqualInEveryTeamCutLaunchAndPlan) {
  constexpr int kSteps = 9;
  const auto setup = setup_of(GetParam());
  const auto hash_on = [&](Executor& executor, int per_launch) {
    return train_system(setup, executor, kSteps, per_launch, {0}).front();
  };
  const std::string expected = hash_on(*make_cpu_executor(1), kSteps);
  for (const int threads : {1, 2, 7}) {
    HostExecutor host(threads);
    EXPECT_EQ(hash_on(host, kSteps), expected) << threads << " threads";
    DeviceCutExecutor device(threads);
    EXPECT_EQ(hash_on(device, kSteps), expected) << threads << " threads, cut as a device cuts";
  }
  for (const PlanLimits limits : {PlanLimits{0, false}, PlanLimits{3000, false}, PlanLimits{INT64_MAX / 8, true}}) {
    DeviceCutExecutor executor(1, limits);
    EXPECT_EQ(hash_on(executor, kSteps), expected) << limits.fast_floats << " fast floats";
  }
  EXPECT_EQ(hash_on(*make_cpu_executor(1), 1), expected) << "one step a launch";
  EXPECT_EQ(hash_on(*make_cpu_executor(1), 4), expected) << "four steps a launch";
  EXPECT_NE(train_system(setup_of(GetParam(), ""), *make_cpu_executor(1), kSteps, kSteps, {0}).front(), expected);
}

TEST_P(NetworkBits, GoOnFromACheckpoint) {
  const SyntheticSystem s = synthetic_system(setup_of(GetParam()), 9);
  const std::unique_ptr<Executor> executor = make_cpu_executor(1), other = make_cpu_executor(1);
  Trainer whole(s.data, s.split, s.plan, *executor), resumed(s.data, s.split, s.plan, *other);
  for (int step = 0; step < 12; ++step) {
    if (step == 7) resumed.restore(whole.checkpoint());
    whole.advance(1);
  }
  for (int step = 7; step < 12; ++step) resumed.advance(1);
  EXPECT_EQ(whole.control().skipped, 0);
  EXPECT_EQ(resumed.hash({}), whole.hash({}));
  EXPECT_TRUE(resumed.checkpoint().tensors == whole.checkpoint().tensors);
}

TEST_P(NetworkBits, AreThoseOfItsRecord) {
  const SyntheticSystem s = synthetic_system(setup_of(GetParam()), 9);
  const std::unique_ptr<Executor> executor = make_cpu_executor(1);
  const TensorFile record = record_training(s.data, s.split, s.plan, 3, *executor);
  const std::vector<Deviation> deviations = compare_record(record, replay_record(record, *executor));
  EXPECT_FALSE(deviations.empty());
  for (const Deviation& d : deviations) EXPECT_EQ(d.worst, 0.0) << d.name;
}

INSTANTIATE_TEST_SUITE_P(All, NetworkBits, ::testing::ValuesIn(kNetworkCases),
                         [](const auto& c) { return c.param.name; });

TEST(NetworkBits, OfOneTaskAreThoseOfItsLossAlone) {
  NetworkCase one = kNetworkCases[0];
  one.tasks = 1;
  EXPECT_EQ(train_system(setup_of(one), *make_cpu_executor(1), 9, 9, {0}),
            train_system(setup_of(one, ""), *make_cpu_executor(1), 9, 9, {0}));
}

}  // namespace
}  // namespace equipoise::test
