// tests/engine/run/bits_test.cpp - the same run gives the same bits on every team, alone or among others, in any
// launch.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "engine/systems/mldrl/mldrl_system.h"
#include "tests/engine/run/team_executor.h"
#include "tests/engine/systems/synthetic_run.h"

namespace equipoise::test {
namespace {

constexpr int kBatch = 32, kSteps = 50;

/// What 50 steps of the synthetic training must leave behind, on any compiler, machine and team.
constexpr const char* kPaperHash = "22fd024828e1534bb482ef9a335f129ac16fd6eeb8f463c1da999e6380509b88";
constexpr const char* kCodeHash = "a94ecafc53231362bcd7147b0e98e813c32b9a7136abfe210c01f01e2d1150c3";

std::string hash_on(Executor& executor, const std::string& variant = "paper", int per_launch = kSteps) {
  return train(synthetic_setup(variant), kBatch, executor, kSteps, per_launch, {0}).front();
}

TEST(Bits, AreThoseOfARunThatTrains) {
  for (const char* variant : {"paper", "code"}) {
    const auto setup = synthetic_setup(variant);
    const std::unique_ptr<Executor> executor = make_cpu_executor(1);
    const Program program = synthetic_program(setup, kBatch);
    const Control first = trained(setup, program, *executor, 4, 4, {0}).controls[0];
    const Control last = trained(setup, program, *executor, 12 * 4, 12 * 4, {0}).controls[0];
    // Sums over the epochs so far: the mean loss of twelve epochs lies below that of the first. In the code variant the
    // difference of the second task rules.
    const int task = mldrl(setup).ratio ? 0 : 1;
    const double mean = last.sum_losses[task] / last.sum_task_rows[task];
    EXPECT_LT(mean, 0.9 * first.sum_losses[task] / first.sum_task_rows[task]) << variant;
    EXPECT_EQ(last.skipped, 0) << variant;
    EXPECT_EQ(last.epoch, 12) << variant;
    EXPECT_EQ(last.position, 0) << variant;
  }
}

TEST(Bits, OfFiftyStepsAreTheOnesThisTestStates) {
  const std::string hash = hash_on(*make_cpu_executor(1));
  std::printf("a GPU must reproduce %s\n", hash.c_str());
  EXPECT_EQ(hash, kPaperHash);
}

TEST(Bits, OfTheCodeVariantAreTheOnesThisTestStates) {
  const std::string hash = hash_on(*make_cpu_executor(1), "code");
  std::printf("a GPU must reproduce %s\n", hash.c_str());
  EXPECT_EQ(hash, kCodeHash);
}

TEST(Bits, AreThoseOfOneThreadInTeamsOfAnySize) {
  for (int threads : {1, 2, 7, 32}) {
    HostExecutor executor(threads);
    EXPECT_EQ(hash_on(executor), kPaperHash) << threads << " threads";
  }
}

TEST(Bits, AreThoseOfACpuWhenCutAsAThreadBlockCuts) {
  for (int threads : {1, 7}) {
    DeviceCutExecutor executor(threads);
    EXPECT_EQ(hash_on(executor), kPaperHash) << threads << " threads";
    EXPECT_EQ(hash_on(executor, "code"), kCodeHash) << threads << " threads";
  }
}

/// Views, and what 50 steps of their training must leave behind.
const std::pair<int, const char*> kViewHashes[] = {
    {1, "dbd52500070ec027fbca260f2199658bf51a6c4412bec07f860dd6b851f9ce53"},
    {3, "3939969935ed1e8094d18d086101b4b40d1e17682f0e7c3c65876ce22988753e"},
    {4, "72a3752442bbbe98a8d8f8009c21bad0b97671f291856b4a25c068e9a406871e"},
    {6, "778a5dfa9f4ce4ace0457aa56014ab9a59d94d61c76396d9df7c91861e4f9d2c"}};

TEST(Bits, OfAnyNumberOfViewsAreTheOnesThisTestStates) {
  for (const auto& [views, expected] : kViewHashes) {
    const auto hash_of_views = [views = views](Executor& executor, int per_launch) {
      return train(synthetic_views(views), kBatch, executor, kSteps, per_launch, {0}).front();
    };
    const std::string hash = hash_of_views(*make_cpu_executor(1), kSteps);
    std::printf("a GPU must reproduce %s with %d views\n", hash.c_str(), views);
    EXPECT_EQ(hash, expected) << views << " views";
    HostExecutor team(7);
    EXPECT_EQ(hash_of_views(team, kSteps), hash) << views << " views, a team of 7";
    DeviceCutExecutor cut(7);
    EXPECT_EQ(hash_of_views(cut, 7), hash) << views << " views, cut as a device cuts, 7 steps a launch";
  }
}

TEST(Bits, DoNotDependOnHowStepsAreSpreadOverLaunches) {
  for (int per_launch : {1, 7}) {
    HostExecutor executor(1);
    EXPECT_EQ(hash_on(executor, "paper", per_launch), kPaperHash) << per_launch << " steps a launch";
  }
}

TEST(Bits, DoNotDependOnWhereThePlanPutsThings) {
  for (const PlanLimits limits :
       {PlanLimits{0, false}, PlanLimits{6000, false}, PlanLimits{60000, true}, PlanLimits{INT64_MAX / 8, true}}) {
    HostExecutor executor(1, limits);
    EXPECT_EQ(hash_on(executor), kPaperHash)
        << limits.fast_floats << " fast floats, resident parameters " << limits.resident_parameters;
  }
}

TEST(Bits, ChangeWithTheReplicasNumber) {
  const auto setup = synthetic_setup();
  const std::vector<std::string> hashes = train(setup, kBatch, *make_cpu_executor(1), 2, 2, {0, 3, 6});
  EXPECT_NE(hashes[0], hashes[1]);  // equal seeds (0, 3 and 6 share theirs), other numbers
  EXPECT_NE(hashes[1], hashes[2]);
}

TEST(Bits, OfAReplicaAreTheSameAloneAndAmongSixtyFourInAnyOrderOverAnyThreads) {
  const auto setup = synthetic_setup();
  std::vector<uint32_t> numbers(64);
  std::iota(numbers.begin(), numbers.end(), 100u);
  const std::vector<std::string> expected = train(setup, kBatch, *make_cpu_executor(1), kSteps, kSteps, numbers);
  for (int threads : {2, 5})
    EXPECT_EQ(train(setup, kBatch, *make_cpu_executor(threads), kSteps, 3, numbers), expected) << threads << " threads";

  std::vector<uint32_t> shuffled = numbers;
  std::reverse(shuffled.begin(), shuffled.end());
  std::rotate(shuffled.begin(), shuffled.begin() + 20, shuffled.end());
  const std::vector<std::string> got = train(setup, kBatch, *make_cpu_executor(5), kSteps, kSteps, shuffled);
  for (std::size_t i = 0; i < shuffled.size(); ++i) EXPECT_EQ(got[i], expected[shuffled[i] - 100]) << shuffled[i];

  for (std::size_t i : {0u, 17u, 63u})
    EXPECT_EQ(train(setup, kBatch, *make_cpu_executor(1), kSteps, kSteps, {numbers[i]}).front(), expected[i]);
}

}  // namespace
}  // namespace equipoise::test
