// tests/cuda/nonfinite_test.cpp - what a device does with a replica whose step meets a value that is not finite, by
// each policy, while the replica beside it goes on.
#include "engine/run/cuda_executor.h"
#include "tests/cuda/device_test.h"
#include "tests/cuda/problem.h"

namespace equipoise::test {

namespace {

constexpr int kSteps = 7;  // of 3 an epoch

/// Three replicas. The last one's rows leave out the row that holds an infinite value; the others meet it once an
/// epoch.
Replicas trained(Executor& executor, OnNonfinite policy, int steps) {
  Problem p = make_problem("paper", 40, 12, 9);
  p.setup.settings.on_nonfinite = policy;
  p.tables.sources[0].values[3] = std::numeric_limits<float>::infinity();  // of row 0, which row_list has last
  const Program program =
      lower(p.setup.system->graph(Pass::train), training_options(p.setup, 16, executor.plan_limits()));
  Replicas r = make_replicas(p, program, 3);
  r.settings[2].rows = 39;
  executor.load_tables(p.tables);
  executor.load_state(r.state, program.state_floats);
  executor.run(program, r.settings, r.controls, {steps, false});
  executor.store_state(r.state);
  return r;
}

std::span<const float> state_of(const Replicas& r, size_t replica) {
  const size_t floats = r.state.size() / r.controls.size();
  return std::span(r.state).subspan(replica * floats, floats);
}

std::string name_of(OnNonfinite policy) {
  const char* const names[] = {"stop", "skip", "freeze"};
  return names[static_cast<int>(policy)];
}

class Nonfinite : public DeviceTest, public testing::WithParamInterface<OnNonfinite> {
 protected:
  void SetUp() override { DeviceTest::SetUp(); }
};

}  // namespace

TEST_P(Nonfinite, StepsUpdateNothingAndTheReplicaDoesAsItsPolicySays) {
  for (const double seconds : {0.0, 100.0}) {  // a launch a step; more than one a launch
    SCOPED_TRACE(seconds);
    CudaOptions options;
    options.launch_seconds = seconds;
    const auto device = make_cuda_executor(0, options);
    const Replicas got = trained(*device, GetParam(), kSteps);
    expect_equal_bits(trained(*make_cpu_executor(1), GetParam(), kSteps), got);
    for (size_t i : {0, 1}) {
      const Control& k = got.controls[i];
      ASSERT_TRUE(k.bad_step >= 0 && k.bad_step < 3) << "the row comes once in an epoch of three steps";
      EXPECT_NE(k.bad_kind, BadKind::none);
      if (GetParam() == OnNonfinite::skip) {
        EXPECT_EQ(k.status, Status::running);
        EXPECT_EQ(k.step, kSteps);
        EXPECT_GE(k.skipped, 2) << "two epochs and a step";
        continue;
      }
      EXPECT_EQ(k.status, GetParam() == OnNonfinite::stop ? Status::stopped : Status::frozen);
      EXPECT_EQ(k.step, k.bad_step + 1);
      EXPECT_EQ(k.skipped, 1);
      const Replicas before = trained(*device, GetParam(), static_cast<int>(k.bad_step));
      EXPECT_TRUE(std::ranges::equal(state_of(before, i), state_of(got, i))) << "the bad step has updated something";
    }
    EXPECT_EQ(got.controls[2].status, Status::running);
    EXPECT_EQ(got.controls[2].step, kSteps);
    EXPECT_EQ(got.controls[2].skipped, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, Nonfinite,
                         testing::Values(OnNonfinite::stop, OnNonfinite::skip, OnNonfinite::freeze),
                         [](const auto& policy) { return name_of(policy.param); });

}  // namespace equipoise::test
