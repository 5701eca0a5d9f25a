// tests/engine/run/shared_launch_test.cpp - several programs in one launch leave the bits of one launch each, and
// replicas of one launch that differ in source set, dropout and class weights those that each has alone.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/engine/lower/phase_checker.h"
#include "tests/engine/run/team_executor.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

constexpr int kReplicas = 3;

/// What turns of training and evaluation leave behind.
struct Turns {
  std::vector<std::string> hashes;
  std::vector<Control> evaluated;
  std::vector<std::vector<float>> emitted;
  std::size_t launches = 0;  // of one turn
};

enum class Way { one_run_each, one_run_for_both };

/// Trains three steps and evaluates, twice; the evaluation is planned beside the training, or for
/// itself and without anything kept in fast memory.
Turns train_and_evaluate(const Setup& setup, Executor& executor, Way way, bool beside) {
  const SyntheticSystem s = synthetic_system(setup);
  const Program train = synthetic_program(s.plan.setup, s.plan.batch, executor.plan_limits());
  PlanLimits limits = executor.plan_limits();
  if (beside) limits.beside = train.code.get();
  else limits.resident_parameters = false;
  const Program evaluate = lower(setup.system->graph(Pass::evaluate), evaluation_options(setup, 20, limits));
  expect_sound(evaluate);
  Population population(s.plan.setup, train, {0, 1, 2});
  std::vector<Settings> validation = population.settings;
  for (Settings& v : validation) v.rows = kSystemValidation, v.first_row = kSystemTraining;
  executor.load_tables(tables_of(*setup.system, s.data, s.split, s.plan.class_weights));
  executor.load_state(population.state, train.state_floats);
  Turns turns;
  Emitted emitted;
  emitted.rows = kSystemValidation;
  for (int turn = 0; turn < 2; ++turn) {
    turns.evaluated.assign(kReplicas, fresh_control(validation[0], static_cast<int>(train.task_names.size())));
    const ProgramRun runs[] = {{train, population.settings, population.controls, {3, false}},
                               {evaluate, validation, turns.evaluated, {100, true}, &emitted}};
    turns.launches = shared_launches(runs, 1).size();
    if (way == Way::one_run_for_both) executor.run(runs);
    else
      for (const ProgramRun& run : runs) executor.run({&run, 1});
  }
  executor.store_state(population.state);
  turns.hashes = population.hashes(train);
  turns.emitted = emitted.values;
  return turns;
}

void expect_equal(const Turns& expected, const Turns& got) {
  EXPECT_EQ(expected.hashes, got.hashes);
  for (int r = 0; r < kReplicas; ++r)
    EXPECT_EQ(std::memcmp(&expected.evaluated[r], &got.evaluated[r], sizeof(Control)), 0) << "replica " << r;
  ASSERT_EQ(expected.emitted.size(), got.emitted.size());
  for (std::size_t o = 0; o < expected.emitted.size(); ++o) {
    ASSERT_EQ(expected.emitted[o].size(), got.emitted[o].size());
    EXPECT_EQ(std::memcmp(expected.emitted[o].data(), got.emitted[o].data(), got.emitted[o].size() * sizeof(float)), 0)
        << "output " << o;
  }
}

constexpr PlanLimits kRoomy{INT64_MAX / 8, true}, kTight{1500, true};

void expect_equal_turns(const Setup& setup) {
  const Turns expected = train_and_evaluate(setup, *make_cpu_executor(1), Way::one_run_each, false);
  ASSERT_GT(expected.evaluated[0].step, 0);
  ASSERT_FALSE(expected.emitted.empty());
  std::vector<std::unique_ptr<Executor>> executors;
  executors.push_back(make_cpu_executor(2));
  for (const PlanLimits& limits : {kRoomy, kTight}) {
    executors.push_back(std::make_unique<HostExecutor>(2, limits));
    executors.push_back(std::make_unique<HostExecutor>(7, limits));
    executors.push_back(std::make_unique<DeviceCutExecutor>(7, limits));
  }
  for (const auto& executor : executors) {
    SCOPED_TRACE(executor->name());
    const Turns together = train_and_evaluate(setup, *executor, Way::one_run_for_both, true);
    EXPECT_EQ(together.launches, 1u);
    expect_equal(expected, together);
  }
}

TEST(SharedLaunches, OfTrainingAndEvaluationHaveTheBitsOfOneEach) { expect_equal_turns(synthetic_setup()); }
TEST(SharedLaunches, OfTowersHaveTheBitsOfOneEach) { expect_equal_turns(synthetic_towers(3)); }
TEST(SharedLaunches, OfNetworksWithPartsThatEvaluationDoesWithoutHaveTheBitsOfOneEach) {
  expect_equal_turns(synthetic_vaegan());
}

TEST(SharedLaunches, AreCutWhereProgramsKeepOtherParametersInFastMemory) {
  const auto setup = synthetic_towers(3);
  const Turns expected = train_and_evaluate(setup, *make_cpu_executor(1), Way::one_run_each, false);
  HostExecutor tight(2, {2500, true});
  const Turns apart = train_and_evaluate(setup, tight, Way::one_run_for_both, false);
  EXPECT_EQ(apart.launches, 2u);
  expect_equal(expected, apart);
}

TEST(SharedLaunches, AreCutWhereProgramsBalanceByOtherMethods) {
  const auto setup = [](const char* method) {
    auto s = synthetic_setup();
    balance_by(s, {method});
    return s;
  };
  const Program one = synthetic_program(setup("mgda"), 4), other = synthetic_program(setup("pcgrad"), 4);
  ASSERT_EQ(one.state_floats, other.state_floats);
  Population first(setup("mgda"), one, {0}), second(setup("pcgrad"), other, {0}), third = first;
  const ProgramRun runs[] = {{one, first.settings, first.controls, {1, false}},
                             {other, second.settings, second.controls, {1, false}}};
  EXPECT_EQ(shared_launches(runs, 1).size(), 2u);
  const ProgramRun alike[] = {runs[0], {one, third.settings, third.controls, {1, false}}};
  EXPECT_EQ(shared_launches(alike, 1).size(), 1u);
}

TEST(SharedLaunches, HoldAtMostFourPrograms) {
  const auto setup = synthetic_towers(2);
  const SyntheticSystem s = synthetic_system(setup);
  const Program train = synthetic_program(s.plan.setup, s.plan.batch);
  const auto executor = make_cpu_executor(1);
  executor->load_tables(tables_of(*setup.system, s.data, s.split, s.plan.class_weights));
  Population one(s.plan.setup, train, {0});
  std::vector<std::vector<Control>> controls(9, one.controls);
  std::vector<ProgramRun> runs;
  for (std::vector<Control>& c : controls) runs.push_back({train, one.settings, c, {1, false}});
  const auto launches = shared_launches(runs, 1);
  ASSERT_EQ(launches.size(), 3u);
  EXPECT_EQ(launches[0].size(), static_cast<std::size_t>(kMaxPrograms));
  EXPECT_EQ(launches[2].size(), 1u);
  executor->load_state(one.state, train.state_floats);
  executor->run(runs);
  std::vector<float> in_turn(one.state.size()), together(one.state.size());
  executor->store_state(together);
  executor->load_state(one.state, train.state_floats);
  std::vector<std::vector<Control>> again(9, one.controls);
  for (std::vector<Control>& c : again) executor->run(train, one.settings, c, {1, false});
  executor->store_state(in_turn);
  EXPECT_EQ(std::memcmp(in_turn.data(), together.data(), together.size() * sizeof(float)), 0);
}

TEST(SharedLaunches, RefuseWhatIsNotOneRun) {
  const auto setup = synthetic_towers(2);
  const Program small = synthetic_program(setup, 4), large = synthetic_program(synthetic_towers(3), 4);
  Population two(setup, small, {0, 1}), other(setup, small, {0, 1});
  const ProgramRun run{small, two.settings, two.controls, {1, false}};
  const auto refuse = [&](const ProgramRun& second, std::size_t sets = 1) {
    const ProgramRun runs[] = {run, second};
    EXPECT_THROW(shared_launches(runs, sets), std::logic_error);
  };
  refuse({small, std::span(other.settings).first(1), std::span(other.controls).first(1), {1, false}});
  refuse({large, other.settings, other.controls, {1, false}});
  refuse({small, other.settings, two.controls, {1, false}});
  other.settings[1].source_set = 1;
  refuse({small, other.settings, other.controls, {1, false}});
  other.settings[1].source_set = -1;
  refuse({small, other.settings, other.controls, {1, false}}, 2);
  other.settings[1].source_set = 1;
  const ProgramRun runs[] = {run, {small, other.settings, other.controls, {1, false}}};
  EXPECT_EQ(shared_launches(runs, 2).size(), 1u);
}

TEST(Replicas, OfOtherSourceSetsAndClassWeightsHaveTheBitsEachHasAlone) {
  const auto setup = synthetic_setup();
  RunTables tables = synthetic_tables(setup);
  TableSet second = tables;
  for (TableSet::Values& source : second.sources)
    for (float& v : source.values) v = 0.5f - 0.75f * v;
  for (int32_t& label : second.labels) label = label < 0 ? 1 : (label == 0 ? -1 : 0);
  tables.further_sets = {second};
  tables.class_weights = {0.75f, 1.5f, 2.0f, 0.25f};
  const auto own_of = [](Settings& s) {  // the replica's number says what it takes
    s.source_set = static_cast<int32_t>(s.replica % 2);
    s.first_class_weight = static_cast<int32_t>(s.replica / 2 * 2);
  };
  const auto run = [&](Executor& executor, const std::vector<uint32_t>& numbers, const RunTables& from, auto&& tell) {
    const Program program = synthetic_program(setup, 32, executor.plan_limits());
    Population p(setup, program, numbers);
    for (Settings& s : p.settings) tell(s);
    executor.load_tables(from);
    executor.load_state(p.state, program.state_floats);
    executor.run(program, p.settings, p.controls, {5, false});
    executor.store_state(p.state);
    return p.hashes(program);
  };
  std::vector<std::string> alone;
  for (uint32_t number = 0; number < 4; ++number) {
    RunTables own;
    static_cast<TableSet&>(own) = number % 2 == 0 ? static_cast<const TableSet&>(tables) : second;
    own.row_list = tables.row_list;
    own.class_weights.assign(tables.class_weights.begin() + number / 2 * 2, tables.class_weights.end());
    alone.push_back(run(*make_cpu_executor(1), {number}, own, [](Settings&) {}).front());
  }
  const std::vector<uint32_t> all{0, 1, 2, 3};
  EXPECT_EQ(run(*make_cpu_executor(2), all, tables, own_of), alone);
  HostExecutor two(2);
  EXPECT_EQ(run(two, all, tables, own_of), alone);
  DeviceCutExecutor seven(7, kTight);
  EXPECT_EQ(run(seven, all, tables, own_of), alone);
  // Each setting matters: told alike, the replicas come out otherwise.
  const std::vector<std::string> alike = run(*make_cpu_executor(2), all, tables, [](Settings&) {});
  for (std::size_t r = 1; r < 4; ++r) EXPECT_NE(alike[r], alone[r]) << r;
}

TEST(Replicas, OfOtherDropoutHaveTheBitsEachHasAlone) {
  const double rates[] = {0.5, 0.2, 0.0};
  auto setup = synthetic_towers(3);
  const auto run = [](const equipoise::Setup& of, Executor& executor, const std::vector<uint32_t>& numbers,
                      auto&& tell) {
    const SyntheticSystem s = synthetic_system(of);
    const Program program = synthetic_program(s.plan.setup, s.plan.batch, executor.plan_limits());
    Population p(s.plan.setup, program, numbers);
    for (Settings& settings : p.settings) tell(settings);
    executor.load_tables(tables_of(*of.system, s.data, s.split, s.plan.class_weights));
    executor.load_state(p.state, program.state_floats);
    executor.run(program, p.settings, p.controls, {6, false});
    executor.store_state(p.state);
    return p.hashes(program);
  };
  std::vector<std::string> alone;
  for (uint32_t number = 0; number < 3; ++number) {
    mtl(setup).dropout = rates[number];  // 0: a network without masks
    alone.push_back(run(setup, *make_cpu_executor(1), {number}, [](Settings&) {}).front());
  }
  mtl(setup).dropout = 0.5;
  const auto own_of = [&](Settings& s) { s.dropout = rates[s.replica]; };
  EXPECT_EQ(run(setup, *make_cpu_executor(2), {0, 1, 2}, own_of), alone);
  DeviceCutExecutor seven(7, kTight);
  EXPECT_EQ(run(setup, seven, {0, 1, 2}, own_of), alone);
  const std::vector<std::string> alike = run(setup, *make_cpu_executor(2), {0, 1, 2}, [](Settings&) {});
  EXPECT_EQ(alike[0], alone[0]);
  EXPECT_NE(alike[1], alone[1]);
  EXPECT_NE(alike[2], alone[2]);
}

}  // namespace
}  // namespace equipoise::test
