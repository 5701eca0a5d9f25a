// tests/cuda/emulated_memory_test.cpp - what the CUDA executor does where memory that was free is not to be had.
// Emulated device only.
#include "engine/base/error.h"
#include "engine/run/cuda_executor.h"
#include "kernels/run/device.h"
#include "tests/cuda/emulated_device.h"
#include "tests/cuda/problem.h"

namespace equipoise::test {

namespace {

constexpr int kReplicas = 7, kBatch = 16;

Problem small_problem() { return make_problem("paper", 40, 5, 4); }

class ScarceMemory : public testing::Test {
 protected:
  void SetUp() override {
    limit_memory(SIZE_MAX);
    launches();
    memory_use();
  }
  void TearDown() override { limit_memory(SIZE_MAX); }

  /// What a device holds that trains so many replicas.
  static size_t memory_for(int replicas) {
    memory_use();
    train(*make_cuda_executor(0), small_problem(), replicas, kBatch, {1, false});
    return memory_use().most;
  }
  /// The most replicas of a launch since the last call.
  static int most_replicas() {
    int most = 0;
    for (const Launched& launch : launches()) most = std::max(most, launch.replicas);
    return most;
  }
};

/// Trains three steps, evaluates, trains three more; memory is limited before the evaluation.
struct Turns {
  Replicas trained;
  Emitted emitted;
};
Turns train_evaluate_train(Executor& executor, size_t limit) {
  const Problem p = small_problem();
  const Program train =
      lower(p.setup.system->graph(Pass::train), training_options(p.setup, kBatch, executor.plan_limits()));
  const Program evaluate =
      lower(p.setup.system->graph(Pass::evaluate), evaluation_options(p.setup, 10, executor.plan_limits()));
  Turns turns{make_replicas(p, train, kReplicas), {40, {}}};
  Replicas& r = turns.trained;
  executor.load_tables(p.tables);
  executor.load_state(r.state, train.state_floats);
  executor.run(train, r.settings, r.controls, {3, false});
  limit_memory(limit);
  std::vector<Control> evaluated(kReplicas, fresh_control(p.setup.settings, 3));
  executor.run(evaluate, r.settings, evaluated, {4, true}, &turns.emitted);
  executor.run(train, r.settings, r.controls, {3, false});
  executor.store_state(r.state);
  return turns;
}

}  // namespace

TEST_F(ScarceMemory, IsSharedByExecutorsOfOneDevice) {
  const size_t three = memory_for(3), available = device_free_memory(0) / 10 * 9;
  CudaOptions options;
  options.sharing = static_cast<int>(available / three);
  ASSERT_LT(available / static_cast<size_t>(options.sharing), memory_for(4)) << "as finely as this can be told";
  const auto device = make_cuda_executor(0, options);
  launches();
  train(*device, small_problem(), kReplicas, kBatch, {1, false});
  EXPECT_EQ(most_replicas(), 3);
}

TEST_F(ScarceMemory, MakesWavesSmallerAndChangesNoBit) {
  const Replicas expected = train(*make_cpu_executor(1), small_problem(), kReplicas, kBatch, {5, false}, 3);
  const size_t three = memory_for(3), two = memory_for(2);
  for (const auto& [limit, in_a_wave] : {std::pair{three, 3}, {three - 4, 1}, {two, 1}}) {
    limit_memory(SIZE_MAX);
    const auto device = make_cuda_executor(0);
    limit_memory(limit);
    launches();
    memory_use();
    expect_equal_bits(expected, train(*device, small_problem(), kReplicas, kBatch, {5, false}, 3));
    EXPECT_EQ(most_replicas(), in_a_wave);
    EXPECT_EQ(memory_use().refused, in_a_wave == 3 ? 1 : 2) << "later runs ask for no more than could be had";
  }
}

TEST_F(ScarceMemory, LosesNoStateThatLiesOnTheDeviceWhenItIsFound) {
  const Turns expected = train_evaluate_train(*make_cuda_executor(0), SIZE_MAX);
  const size_t most = memory_use().most;
  launches();
  const Turns got = train_evaluate_train(*make_cuda_executor(0), most - 4);  // the last output does not fit
  const std::vector<Launched> seen = launches();
  EXPECT_EQ(seen.front().replicas, kReplicas);
  EXPECT_LT(seen.back().replicas, kReplicas);
  EXPECT_EQ(memory_use().refused, 1);
  expect_equal_bits(expected.trained, got.trained);
  ASSERT_EQ(expected.emitted.values.size(), got.emitted.values.size());
  for (size_t o = 0; o < got.emitted.values.size(); ++o)
    expect_equal_bits(expected.emitted.values[o], got.emitted.values[o], "output " + std::to_string(o));
}

TEST_F(ScarceMemory, ForASingleReplicaIsAnErrorThatSaysSoAndTheExecutorGoesOnOnceThereIsMore) {
  const size_t one = memory_for(1);
  const Problem p = small_problem();
  const auto device = make_cuda_executor(0);
  const Program program =
      lower(p.setup.system->graph(Pass::train), training_options(p.setup, kBatch, device->plan_limits()));
  Replicas r = make_replicas(p, program, 3);
  device->load_tables(p.tables);
  device->load_state(r.state, program.state_floats);
  limit_memory(one - 4);
  try {
    device->run(program, r.settings, r.controls, {5, false});
    FAIL() << "a replica ran in less memory than it needs";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::device);
    EXPECT_NE(std::string(e.what()).find("one replica needs"), std::string::npos) << e.what();
  }
  EXPECT_EQ(r.controls[0].step, 0);
  limit_memory(one);
  device->run(program, r.settings, r.controls, {5, false});
  device->store_state(r.state);
  expect_equal_bits(train(*make_cpu_executor(1), p, 3, kBatch, {5, false}), r);
}

TEST_F(ScarceMemory, OfOneProgramKeepsNoneFromOneThatNeedsMore) {
  const size_t one = memory_for(1);
  const Problem p = small_problem();
  const auto device = make_cuda_executor(0);
  const Program train =
      lower(p.setup.system->graph(Pass::train), training_options(p.setup, kBatch, device->plan_limits()));
  const Program evaluate =
      lower(p.setup.system->graph(Pass::evaluate), evaluation_options(p.setup, 10, device->plan_limits()));
  Replicas r = make_replicas(p, train, 2);
  device->load_tables(p.tables);
  device->load_state(r.state, train.state_floats);
  limit_memory(one);
  device->run(train, r.settings, r.controls, {1, false});
  limit_memory(SIZE_MAX);
  launches();
  std::vector<Control> evaluated(2, fresh_control(p.setup.settings, 3));
  Emitted emitted{40, {}};  // on top of what training took
  device->run(evaluate, r.settings, evaluated, {4, true}, &emitted);
  EXPECT_EQ(evaluated[1].epoch, 1);
  EXPECT_EQ(most_replicas(), 1);
}

}  // namespace equipoise::test
