// tests/engine/run/method_bits_test.cpp - MLDRL under every balancing method: equal bits on every team, in any launch,
// and after a resume.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/train/trainer.h"
#include "tests/engine/run/balanced_runs.h"
#include "tests/engine/run/team_executor.h"
#include "tests/engine/systems/synthetic_run.h"

namespace equipoise::test {
namespace {

constexpr int kBatch = 16, kSteps = 20;

class MethodBits : public ::testing::TestWithParam<BalancedRun> {
 protected:
  std::string hash_on(Executor& executor, int per_launch = kSteps) const {
    return train(setup_of(GetParam()), kBatch, executor, kSteps, per_launch, {0}).front();
  }
};

TEST_P(MethodBits, AreThoseOfOneThreadInEveryTeamAndLaunch) {
  const std::string expected = hash_on(*make_cpu_executor(1));
  for (int threads : {2, 7}) {
    HostExecutor host(threads);
    EXPECT_EQ(hash_on(host), expected) << threads << " threads";
    DeviceCutExecutor device(threads);
    EXPECT_EQ(hash_on(device), expected) << threads << " threads, cut as a device cuts";
  }
  PlanLimits tight;
  tight.fast_floats = 4000;
  DeviceCutExecutor elsewhere(1, tight);
  EXPECT_EQ(hash_on(elsewhere), expected) << "most tensors in global scratch";
  EXPECT_EQ(hash_on(*make_cpu_executor(1), 1), expected) << "one step a launch";
  EXPECT_EQ(hash_on(*make_cpu_executor(1), 7), expected) << "seven steps a launch";
}

TEST_P(MethodBits, DifferFromThoseOfThePlainSum) {
  const BalancedRun plain{"plain", {"identity"}};
  const auto setup = setup_of(GetParam()), sum = setup_of(plain);
  const std::unique_ptr<Executor> executor = make_cpu_executor(1);
  const auto parameters = [&](const auto& s) {
    const Program program = synthetic_program(s, kBatch);
    const Population p = trained(s, program, *executor, kSteps, kSteps, {0});
    EXPECT_EQ(p.controls[0].skipped, 0);
    return read_parameter(program, program.parameters[0], StatePart::parameter, p.state);
  };
  EXPECT_EQ(parameters(setup) == parameters(sum), GetParam().name == "identity");
}

TEST_P(MethodBits, GoOnFromACheckpointWhereverItWasTaken) {
  const SyntheticTraining training = synthetic_training(setup_of(GetParam()), kBatch);
  const std::unique_ptr<Executor> executor = make_cpu_executor(1), other = make_cpu_executor(1);
  Trainer whole(training.data, training.split, training.plan, *executor);
  std::map<int, TensorFile> checkpoints;
  for (int step = 0; step < kSteps; ++step) {
    if (step % 6 == 5) checkpoints[step] = whole.checkpoint();
    whole.advance(1);
  }
  const TensorFile end = whole.checkpoint();
  for (const auto& [step, checkpoint] : checkpoints) {
    Trainer resumed(training.data, training.split, training.plan, *other);
    resumed.restore(checkpoint);
    for (int s = step; s < kSteps; ++s) resumed.advance(1);
    EXPECT_TRUE(resumed.checkpoint().tensors == end.tensors) << "after step " << step;
    EXPECT_EQ(resumed.hash({}), whole.hash({})) << "after step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(All, MethodBits, ::testing::ValuesIn(balanced_runs()),
                         [](const auto& run) { return run.param.name; });

TEST(MethodBits, OfOneTaskAreThoseOfNoMethodAtAll) {
  // With K = 1 every method is the identity: a graph of one loss, under each of them, ends in the same parameters.
  const std::string expected = one_task_hash({"identity"});
  for (const BalancedRun& run : balanced_runs()) EXPECT_EQ(one_task_hash(run.methods), expected) << run.name;
}

}  // namespace
}  // namespace equipoise::test
