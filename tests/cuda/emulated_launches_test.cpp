// tests/cuda/emulated_launches_test.cpp - how the CUDA executor spreads programs over launches, and that no run sees
// what memory held before. Emulated device only.
#include "engine/run/cuda_executor.h"

#include <bit>
#include <cmath>

#include "tests/cuda/emulated_device.h"
#include "tests/cuda/problem.h"
#include "tests/engine/train/member_cases.h"

namespace equipoise::test {

namespace {

/// Programs of each launch of a run that trains three steps and evaluates four, the runs before it done.
std::vector<int> launches_of(double seconds, int runs_before) {
  const Problem p = make_problem("paper", 40, 5, 4);
  CudaOptions options;
  options.launch_seconds = seconds;
  const auto device = make_cuda_executor(0, options);
  PlanLimits limits = device->plan_limits();
  const Program train = lower(p.setup.system->graph(Pass::train), training_options(p.setup, 8, limits));
  limits.beside = train.code.get();
  const Program evaluate = lower(p.setup.system->graph(Pass::evaluate), evaluation_options(p.setup, 10, limits));
  Replicas r = make_replicas(p, train, 2);
  device->load_tables(p.tables);
  device->load_state(r.state, train.state_floats);
  for (int run = 0; run <= runs_before; ++run) {
    launches();
    std::vector<Control> evaluated(2, fresh_control(p.setup.settings, 3));
    Emitted emitted{40, {}};
    const ProgramRun runs[] = {{train, r.settings, r.controls, {3, false}},
                               {evaluate, r.settings, evaluated, {4, true}, &emitted}};
    device->run(runs);
    EXPECT_EQ(r.controls[0].step, 3 * (run + 1));
    EXPECT_EQ(evaluated[0].epoch, 1);
  }
  std::vector<int> programs;
  for (const Launched& launch : launches()) programs.push_back(launch.programs);
  return programs;
}

}  // namespace

TEST(Launches, AreSharedByProgramsThatWereTimedAndFitTheTimeALaunchAimsAt) {
  EXPECT_EQ(launches_of(1000, 0), (std::vector<int>{1, 1, 1, 1})) << "each begins with a single step";
  EXPECT_EQ(launches_of(1000, 1), (std::vector<int>{2}));
  EXPECT_EQ(launches_of(0, 3), std::vector<int>(7, 1)) << "seven launches of a step";
}

TEST(Launches, HaveSmallerBlocksWhereThereAreMoreReplicasThanMultiprocessorsAndTheSameBits) {
  const Problem small = make_problem("paper", 40, 5, 4), large = make_problem("paper", 40, 300, 300);
  const auto device = make_cuda_executor(0);  // of two multiprocessors
  const auto threads_of = [&](const Problem& p, int replicas, Executor& executor) {
    launches();
    expect_equal_bits(train(*make_cpu_executor(1), p, replicas, 16, {2, false}),
                      train(executor, p, replicas, 16, {2, false}));
    return launches().back().threads;
  };
  EXPECT_EQ(threads_of(small, 2, *device), 384);
  EXPECT_EQ(threads_of(small, 3, *device), 192);
  EXPECT_EQ(threads_of(small, 5, *device), 128);
  EXPECT_EQ(threads_of(large, 5, *device), 384) << "a block takes all shared memory";
  CudaOptions options;
  options.threads = 256;
  EXPECT_EQ(threads_of(small, 5, *make_cuda_executor(0, options)), 256) << "as asked";
}

TEST(Launches, AreFollowedByAStatusOfEachReplicaAndTheRunByTheControls) {
  const Problem p = make_problem("paper", 40, 5, 4);
  CudaOptions options;
  options.launch_seconds = 0;  // a step each
  const auto device = make_cuda_executor(0, options);
  const Program program =
      lower(p.setup.system->graph(Pass::train), training_options(p.setup, 8, device->plan_limits()));
  Replicas r = make_replicas(p, program, 3);
  device->load_tables(p.tables);
  device->load_state(r.state, program.state_floats);
  bytes_downloaded();
  bytes_landed_pinned();
  device->run(program, r.settings, r.controls, {7, false});
  EXPECT_EQ(bytes_downloaded(), 3 * (7 * sizeof(ReplicaStatus) + sizeof(Control)));
  EXPECT_EQ(bytes_landed_pinned(), 3 * 7 * sizeof(ReplicaStatus)) << "a launch's end is waited for; a run's is seldom";
  EXPECT_EQ(r.controls[2].step, 7);
}

TEST(Launches, OfManyEpochsCostNoCallOfTheHostBetweenThem) {
  MemberCase c = different_members(synthetic_setup());
  c.members = {c.members[0], c.members[3]};
  for (Member& m : c.members) {
    m.plan.epochs = 60;
    m.plan.patience = 0;
  }
  CudaOptions options;
  options.launch_seconds = 1e6;
  const auto device = make_cuda_executor(0, options);
  Trainer trainer(c.members, *device);
  for (const int steps : {20, 80}) trainer.advance_without_metrics(steps);  // launches are short until they are timed
  launches();
  bytes_downloaded();
  const int before = trainer.control().epoch;
  trainer.advance_without_metrics(150);
  ASSERT_GT(trainer.control().epoch, before + 10);
  EXPECT_EQ(launches().size(), 1u) << "a launch for all of their epochs, and none to validate them";
  const RecordShape shape =
      record_shape(trainer.program(), trainer.program());  // validated losses are those of training
  const int slots = std::min(150 / std::min(trainer.steps_per_epoch(0), trainer.steps_per_epoch(1)) + 1, 64);
  EXPECT_EQ(bytes_downloaded(), 2 * (sizeof(Control) + sizeof(ReplicaStatus) + sizeof(EpochStanding) +
                                     static_cast<size_t>(slots * record_doubles(shape)) * sizeof(double)))
      << "controls, statuses, standings and records, once, and no state or output";
}

TEST(Launches, OfEpochsInPiecesAndWavesLeaveTheSame) {
  const MemberCase c = different_members(synthetic_setup());
  const auto cpu = make_cpu_executor(1);
  Trainer expected(c.members, *cpu);
  const auto lines_of = [](Trainer& trainer, std::vector<std::string>& to) {
    to.resize(trainer.replicas());
    while (!trainer.finished()) {
      const auto epochs = trainer.advance_epochs(17);
      for (std::size_t r = 0; r < epochs.size(); ++r)
        for (const EpochMetrics& m : epochs[r]) to[r] += to_json_line(trainer.program(), m, false);
    }
    for (std::size_t r = 0; r < to.size(); ++r) to[r] += trainer.checkpoint(r).metadata_at("sha256");
  };
  std::vector<std::string> lines;
  lines_of(expected, lines);
  CudaOptions options;
  options.launch_seconds = 0;  // a step each
  memory_use();
  for (const bool waves : {false, true}) {
    if (waves) options.memory = memory_use().most * 3 / 5;
    const auto device = make_cuda_executor(0, options);
    Trainer trainer(c.members, *device);
    launches();
    std::vector<std::string> got;
    lines_of(trainer, got);
    EXPECT_EQ(got, lines) << waves;
    std::size_t fewest = 9;
    for (const Launched& launch : launches()) fewest = std::min(fewest, static_cast<std::size_t>(launch.replicas));
    EXPECT_EQ(fewest < c.members.size(), waves);
  }
}

TEST(Launches, EndWithTheLastStepOfAnEpochOrOfAReplicaThatIsStopped) {
  CudaOptions options;
  options.launch_seconds = 0;
  const auto device = make_cuda_executor(0, options);
  Problem p = make_problem("paper", 40, 5, 4);
  launches();
  train(*device, p, 2, 16, {100, true});
  EXPECT_EQ(launches().size(), 3u) << "an epoch";
  for (TableSet::Values& source : p.tables.sources)
    for (float& value : source.values) value = std::numeric_limits<float>::infinity();
  train(*device, p, 2, 16, {100, false});
  EXPECT_EQ(launches().size(), 1u);
}

TEST(Launches, GoOnForAReplicaWhileAnotherRests) {
  const Problem p = make_problem("paper", 40, 5, 4);
  CudaOptions options;
  options.launch_seconds = 0;
  const auto device = make_cuda_executor(0, options);
  const Program program =
      lower(p.setup.system->graph(Pass::train), training_options(p.setup, 16, device->plan_limits()));
  Replicas r = make_replicas(p, program, 2);
  r.settings[1].rows = 16;  // one batch
  device->load_tables(p.tables);
  device->load_state(r.state, program.state_floats);
  device->run(program, r.settings, r.controls, {100, true});
  EXPECT_EQ(r.controls[0].step, 3);
  EXPECT_EQ(r.controls[1].step, 1);
}

TEST(Launches, LeaveZerosWhereAProgramWritesNothing) {
  Problem p = make_problem("paper", 40, 5, 4);
  for (auto& label : p.tables.labels) label = std::max(label, 0);  // -1 looks like fresh memory, whose bits are all set
  const auto device = make_cuda_executor(0);
  const Program program = lower(p.setup.system->graph(Pass::train), training_options(p.setup, 6, {0, false}));
  Replicas r = make_replicas(p, program, 2);
  device->load_tables(p.tables);
  device->load_state(r.state, program.state_floats);
  std::vector<float> work;
  device->run(program, r.settings, r.controls, {1, false}, nullptr, &work);
  EXPECT_GT(work.size(), 0u);
  EXPECT_EQ(std::count_if(work.begin(), work.end(), [](float f) { return std::bit_cast<uint32_t>(f) == ~0u; }), 0);
}

TEST(Launches, LeaveZerosInRowsThatAProgramDoesNotEmit) {
  const Problem p = make_problem("paper", 40, 5, 4);
  const auto device = make_cuda_executor(0);
  const Program program =
      lower(p.setup.system->graph(Pass::evaluate), evaluation_options(p.setup, 10, device->plan_limits()));
  Replicas r = make_replicas(p, program, 2);
  device->load_tables(p.tables);
  device->load_state(r.state, program.state_floats);
  Emitted emitted{40, {}};
  device->run(program, r.settings, r.controls, {2, true}, &emitted);
  ASSERT_FALSE(emitted.values.empty());
  for (std::size_t o = 0; o < emitted.values.size(); ++o) {
    const auto cols = static_cast<std::size_t>(program.output_cols[o]);
    for (std::size_t replica = 0; replica < 2; ++replica)
      for (std::size_t row = 0; row < 40; ++row)
        for (std::size_t c = 0; c < cols; ++c) {
          const float value = emitted.values[o][(replica * 40 + row) * cols + c];
          EXPECT_TRUE(row < 20 ? std::isfinite(value) : value == 0) << row;
        }
  }
}

}  // namespace equipoise::test
