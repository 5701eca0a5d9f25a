// tests/cuda/cuts_test.cpp - how a run is cut (into waves, launches, runs, threads) changes no bit.
#include "engine/base/error.h"
#include "engine/lower/program_code.h"
#include "engine/run/cuda_executor.h"
#include "tests/cuda/device_test.h"
#include "tests/cuda/problem.h"

namespace equipoise::test {

namespace {

constexpr int kReplicas = 7, kBatch = 16;

Problem small_problem() { return make_problem("paper", 50, 12, 9); }

Replicas on_cpu(RunLimits limits, int runs = 1) {
  return train(*make_cpu_executor(0), small_problem(), kReplicas, kBatch, limits, runs);
}
Replicas on_device(const CudaOptions& options, RunLimits limits, int runs = 1) {
  return train(*make_cuda_executor(0, options), small_problem(), kReplicas, kBatch, limits, runs);
}

/// Bytes in which the tables and the program fit, and `replicas` replicas beside them.
size_t memory_for(int replicas, const PlanLimits& limits) {
  const Problem p = small_problem();
  const Program program = lower(p.setup.system->graph(Pass::train), training_options(p.setup, kBatch, limits));
  size_t bytes = (p.tables.labels.size() + p.tables.row_list.size() + p.tables.class_weights.size()) * 4;
  for (const auto& source : p.tables.sources) bytes += source.values.size() * 4;
  bytes += sizeof(SourceSet);
  bytes += program.code->operations.size() * sizeof(Operation) + program.code->phases.size() * sizeof(Phase) +
           program.code->residents.size() * sizeof(Resident);
  const size_t each = static_cast<size_t>(program.state_floats + program.work_floats) * 4 + sizeof(Settings) +
                      sizeof(Control) + 4 + sizeof(ReplicaStatus);
  return bytes + each * static_cast<size_t>(replicas);
}

size_t memory_for(int replicas) { return memory_for(replicas, make_cuda_executor(0)->plan_limits()); }

constexpr PlanLimits kLittleFast{2000, true};  // so that training needs work memory, as large models do

/// Trains and evaluates by turns, twice each; a turn is a run, or two.
struct Turns {
  Replicas trained;
  Emitted emitted;
  std::vector<Control> evaluated{};  // by the last turn
};
Turns train_and_evaluate(Executor& executor, const PlanLimits& limits, bool in_one_run = false) {
  const Problem p = small_problem();
  const Program train = lower(p.setup.system->graph(Pass::train), training_options(p.setup, kBatch, limits));
  PlanLimits of_evaluation = executor.plan_limits();
  if (in_one_run) of_evaluation.beside = train.code.get();
  const Program evaluate = lower(p.setup.system->graph(Pass::evaluate), evaluation_options(p.setup, 20, of_evaluation));
  Turns turns{make_replicas(p, train, kReplicas), {}};
  turns.emitted.rows = p.setup.settings.rows;
  executor.load_tables(p.tables);
  executor.load_state(turns.trained.state, train.state_floats);
  for (int turn = 0; turn < 2; ++turn) {
    std::vector<Control>& controls = turns.evaluated;
    controls.assign(kReplicas, fresh_control(p.setup.settings, 3));
    const ProgramRun runs[] = {
        {train, turns.trained.settings, turns.trained.controls, {3, false}},
        {evaluate, turns.trained.settings, controls, {2, true}, &turns.emitted}};  // 40 of 50 rows
    if (in_one_run) executor.run(runs);
    else
      for (const ProgramRun& run : runs) executor.run({&run, 1});
  }
  executor.store_state(turns.trained.state);
  return turns;
}

}  // namespace

class Cuts : public DeviceTest {};

TEST_F(Cuts, IntoWavesOfOneTwoOrThreeReplicasChangeNoBit) {
  const Replicas expected = on_cpu({10, false});
  for (int in_a_wave : {1, 2, 3, kReplicas}) {
    SCOPED_TRACE(in_a_wave);
    CudaOptions options;
    options.memory = memory_for(in_a_wave);
    expect_equal_bits(expected, on_device(options, {10, false}));
  }
}

TEST_F(Cuts, IntoWavesCarryEachReplicasStateFromRunToRun) {
  CudaOptions options;
  options.memory = memory_for(3);
  expect_equal_bits(on_cpu({12, false}), on_device(options, {4, false}, 3));
}

void expect_equal_turns(const Turns& expected, const Turns& got) {
  expect_equal_bits(expected.trained, got.trained);
  expect_equal_bits(expected.evaluated, got.evaluated, "control of the evaluation");
  ASSERT_EQ(expected.emitted.values.size(), got.emitted.values.size());
  for (size_t o = 0; o < expected.emitted.values.size(); ++o)
    expect_equal_bits(expected.emitted.values[o], got.emitted.values[o], "output " + std::to_string(o));
}

TEST_F(Cuts, IntoWavesLetTrainingAndEvaluationTakeTurns) {
  const Turns expected = train_and_evaluate(*make_cpu_executor(0), {});
  for (const PlanLimits& limits : {make_cuda_executor(0)->plan_limits(), kLittleFast}) {
    // Over memory in which one fits at once and the other in waves, both by turns, both beside each other.
    const size_t all = memory_for(kReplicas, limits);
    for (size_t memory = all; memory < all + 160000; memory += 4000) {
      SCOPED_TRACE(memory);
      CudaOptions options;
      options.memory = memory;
      expect_equal_turns(expected, train_and_evaluate(*make_cuda_executor(0, options), limits));
    }
  }
}

TEST_F(Cuts, LetTrainingAndEvaluationShareARunInTightMemory) {
  const Turns expected = train_and_evaluate(*make_cpu_executor(0), {});
  for (const PlanLimits& limits : {make_cuda_executor(0)->plan_limits(), kLittleFast})
    for (const double seconds : {0.0, 100.0})
      for (const size_t beyond : {size_t{0}, size_t{40000}, size_t{160000}, size_t{100000000}}) {
        SCOPED_TRACE(beyond);
        CudaOptions options;
        options.memory = memory_for(kReplicas, limits) + beyond;
        options.launch_seconds = seconds;
        expect_equal_turns(expected, train_and_evaluate(*make_cuda_executor(0, options), limits, true));
      }
}

TEST_F(Cuts, OfMemoryTooSmallForOneReplicaIsAnErrorThatSaysWhatToDo) {
  CudaOptions options;
  options.memory = memory_for(1) - 64;
  try {
    on_device(options, {1, false});
    FAIL() << "a replica ran in less memory than it needs";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::device);
    EXPECT_NE(std::string(e.what()).find("reduce"), std::string::npos) << e.what();
  }
}

TEST_F(Cuts, IntoLaunchesOfOneStepChangeNoBit) {
  CudaOptions options;
  options.launch_seconds = 0;
  expect_equal_bits(on_cpu({10, false}), on_device(options, {10, false}));
}

TEST_F(Cuts, IntoLaunchesDoNotRestartAReplicaThatEndedItsEpoch) {
  // An epoch of 50 rows has 4 steps; the replicas rest in the fifth to tenth.
  const Replicas expected = on_cpu({10, true}, 2);
  ASSERT_EQ(expected.controls[0].step, 8);
  for (double seconds : {0.0, 100.0}) {
    CudaOptions options;
    options.launch_seconds = seconds;
    expect_equal_bits(expected, on_device(options, {10, true}, 2));
  }
}

TEST_F(Cuts, IntoRunsOfOneStepChangeNoBit) {
  expect_equal_bits(on_cpu({10, false}), on_device(CudaOptions{}, {1, false}, 10));
}

TEST_F(Cuts, OverOneTwoOrAllWarpsOfABlockChangeNoBit) {
  const Replicas expected = on_cpu({10, false});
  for (int threads : {32, 64, 96, 128, 192, 256, kBlockThreads, 0}) {
    SCOPED_TRACE(threads);
    CudaOptions options;
    options.threads = threads;
    expect_equal_bits(expected, on_device(options, {10, false}));
  }
}

TEST_F(Cuts, AReplicaAloneHasTheBitsItHasAmongOthers) {
  const Replicas together = on_device(CudaOptions{}, {10, false});
  const Replicas alone = train(*make_cuda_executor(0), small_problem(), 1, kBatch, {10, false});
  EXPECT_EQ(std::memcmp(together.controls.data(), alone.controls.data(), sizeof(Control)), 0);
  EXPECT_EQ(std::memcmp(together.state.data(), alone.state.data(), alone.state.size() * sizeof(float)), 0);
}

}  // namespace equipoise::test
