// tests/engine/train/epochs_test.cpp - epochs that follow one another inside a launch are those that come one at a
// time, and each is judged as its evaluation is.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "engine/base/error.h"
#include "engine/run/parameters.h"
#include "engine/train/epoch_record.h"
#include "tests/engine/run/team_executor.h"
#include "tests/engine/train/member_cases.h"

namespace equipoise::test {
namespace {

/// The CPU, which counts the runs that it is asked for.
class CountingExecutor : public TeamExecutor<HostTeam> {
 public:
  CountingExecutor() : TeamExecutor(2) {}
  using Executor::run;
  void run(std::span<const ProgramRun> programs, std::vector<float>* work) override {
    ++others;
    TeamExecutor::run(programs, work);
  }
  void run_epochs(const EpochsRun& run) override {
    ++epochs;
    slots = run.slots;
    records = *run.records;
    TeamExecutor::run_epochs(run);
    records = *run.records;
  }
  int epochs = 0, others = 0, slots = 0;
  std::vector<double> records;
};

std::string lines_of(const Program& program, const std::vector<EpochMetrics>& epochs) {
  std::string lines;
  for (const EpochMetrics& m : epochs) lines += to_json_line(program, m, false) + "\n";
  return lines;
}

class Epochs : public testing::TestWithParam<std::pair<std::string, Setup>> {
 protected:
  const MemberCase c = different_members(GetParam().second);
};

TEST_P(Epochs, InsideALaunchAreThoseOneAtATime) {
  const auto executor = make_cpu_executor(2);
  Trainer single(c.members, *executor);
  std::vector<std::vector<EpochMetrics>> expected(c.members.size());
  while (!single.finished()) {
    const auto metrics = single.advance_all(1000);
    for (std::size_t r = 0; r < metrics.size(); ++r)
      if (metrics[r]) expected[r].push_back(*metrics[r]);
  }
  CountingExecutor counting;
  Trainer whole(c.members, counting);
  const std::vector<std::vector<EpochMetrics>> got = whole.advance_epochs(1000);
  EXPECT_TRUE(whole.finished());
  EXPECT_EQ(counting.epochs, 1) << "all epochs of all members in one run";
  EXPECT_EQ(counting.others, 0) << "which validates them too";
  for (std::size_t r = 0; r < got.size(); ++r) {
    EXPECT_EQ(lines_of(whole.program(), got[r]), lines_of(single.program(), expected[r])) << r;
    EXPECT_EQ(whole.best_epoch(r), single.best_epoch(r)) << r;
    EXPECT_EQ(told(whole.best(r)), told(single.best(r))) << r;
    EXPECT_EQ(whole.model(r).tensors, single.model(r).tensors) << r;
    EXPECT_EQ(whole.checkpoint(r).tensors, single.checkpoint(r).tensors) << r;
  }
}

/// Epochs of a member as its programs make them when they are run one after another, and everything else here.
std::string lines_by_hand(const Member& member, std::size_t epochs) {
  const auto executor = make_cpu_executor(1);
  Setup setup = member.plan.setup;
  std::vector<Settings> settings = {replica_settings(setup)};
  executor->load_tables(tables_of(std::span(&member, 1), settings));
  setup.settings = settings[0];
  const Program program =
      lower(setup.system->graph(Pass::train), training_options(setup, member.plan.batch, executor->plan_limits()));
  std::vector<float> state(static_cast<std::size_t>(program.state_floats));
  initialise(program, state, settings[0].seed, settings[0].replica);
  executor->load_state(state, program.state_floats);
  std::vector<Control> control = {
      fresh_control(settings[0], static_cast<int>(program.task_names.size()), static_cast<int>(program.chains.size()))};
  Evaluator evaluator(setup, *member.data, kEvaluationBatch, *executor);
  std::vector<EpochMetrics> all;
  double best = -std::numeric_limits<double>::infinity();
  while (all.size() < epochs) {
    Control& c = control[0];
    const Control none = fresh_control(settings[0], 1);
    std::memcpy(reinterpret_cast<char*>(&c) + offsetof(Control, sum_steps),
                reinterpret_cast<const char*>(&none) + offsetof(Control, sum_steps),
                sizeof(Control) - offsetof(Control, sum_steps));
    executor->run(program, settings, control, {1000, true});
    EpochMetrics& m = all.emplace_back(epoch_metrics(program, c));
    const std::vector<int>& rows = member.split->validation;
    if (rows.empty()) continue;
    m.validated = true;
    m.validation = evaluator.evaluate(settings[0].first_row + first_of(*member.split, Part::validation), rows);
    const double value = setup.system->watched(m.validation, monitored_of(member));
    m.best = value > best;
    best = std::max(best, value);
  }
  return lines_of(program, all);
}

TEST_P(Epochs, AreWhatTheirProgramsMakeOfThemOneAfterAnother) {
  const auto executor = make_cpu_executor(2);
  Trainer trainer(c.members, *executor);
  const std::vector<std::vector<EpochMetrics>> got = trainer.advance_epochs(1000);
  for (std::size_t r = 0; r < got.size(); ++r) {
    ASSERT_GT(got[r].size(), 1u);
    EXPECT_EQ(lines_of(trainer.program(), got[r]), lines_by_hand(c.members[r], got[r].size())) << r;
  }
}

/// The monitor of a record is what an Evaluation of the same rows says by the system's own words.
void expect_judged(const MemberCase& c) {
  CountingExecutor counting;
  Trainer trainer(c.members, counting);
  const std::vector<std::vector<EpochMetrics>> metrics = trainer.advance_epochs(1000);
  const std::size_t doubles = counting.records.size() / (c.members.size() * static_cast<std::size_t>(counting.slots));
  int judged = 0;
  for (std::size_t r = 0; r < metrics.size(); ++r)
    for (std::size_t i = 0; i < metrics[r].size(); ++i) {
      const double* record = counting.records.data() + (r * static_cast<std::size_t>(counting.slots) + i) * doubles;
      const EpochMetrics& m = metrics[r][i];
      const TrainingPlan& plan = trainer.plan(r);
      EXPECT_EQ(record[kRecordEpoch], m.epoch);
      EXPECT_EQ(record[kRecordEvaluated], m.validated);
      if (plan.monitor == Monitor::none || !m.validated) {
        EXPECT_TRUE(std::isnan(record[kRecordMonitor]));
        continue;
      }
      const double expected = plan.setup.system->watched(m.validation, monitored_of(c.members[r]));
      EXPECT_EQ(record[kRecordMonitor], expected) << r << ", epoch " << m.epoch;
      EXPECT_EQ(m.monitor, expected) << r << ", epoch " << m.epoch;
      ++judged;
    }
  EXPECT_GT(judged, 10);
}

TEST_P(Epochs, AreJudgedAsTheirEvaluationsAre) { expect_judged(c); }

TEST(EpochsOfThreeClasses, AreJudgedAsTheirEvaluationsAre) {
  for (const char* variant : {"paper", "code"}) expect_judged(members_of_three_classes(variant));
}

TEST(EpochsOfTasksOfClasses, AreJudgedByTheMeanOfTheAucsThereAre) {
  MemberCase c = different_members(synthetic_towers(4));  // the third task is binary, the fourth has three classes
  for (Member& m : c.members) {
    m.plan.monitor = m.split->validation.empty() ? Monitor::none : Monitor::auc;
    m.plan.monitor_task = -1;
  }
  for (const int row : c.members[2].split->validation)  // of which all are of one class then
    c.data[1]->targets[static_cast<std::size_t>(row * c.data[1]->target_cols + 4)] = 1;
  expect_judged(c);
  const auto executor = make_cpu_executor(2);
  Trainer trainer(c.members, *executor);
  const auto epochs = trainer.advance_epochs(1000);
  ASSERT_EQ(epochs[2].size(), 3u);
  for (const EpochMetrics& m : epochs[2]) {
    EXPECT_TRUE(std::isnan(m.validation.figure("task2.auc")));
    EXPECT_EQ(m.monitor, m.validation.figure("task3.auc"));
  }
  for (const EpochMetrics& m : epochs[1])
    EXPECT_EQ(m.monitor, (m.validation.figure("task2.auc") + m.validation.figure("task3.auc")) / 2);
}

/// Deviances of counts, by what the figures say of the answers.
TEST(EpochsOfCounts, AreJudgedByTheirDeviance) {
  MemberCase c = different_members(synthetic_counts());
  for (Member& m : c.members) {
    m.plan.monitor = m.split->validation.empty() ? Monitor::none : Monitor::deviance;
    m.plan.monitor_task = 1;  // counts of three columns
  }
  const auto executor = make_cpu_executor(2);
  Trainer trainer(c.members, *executor);
  int judged = 0;
  for (const std::vector<EpochMetrics>& epochs : trainer.advance_epochs(1000))
    for (const EpochMetrics& m : epochs) {
      if (!m.validated) continue;
      const double deviance = m.validation.figure("task1.deviance");
      EXPECT_NEAR(-m.monitor, deviance, 2e-6 * deviance);
      ++judged;
    }
  EXPECT_GT(judged, 10);
}

TEST_P(Epochs, GoOnWhereAFullRingOrASteplessEndStopsThem) {
  const auto executor = make_cpu_executor(1);
  Trainer whole(c.members, *executor);
  std::vector<std::string> expected;
  for (const auto& epochs : whole.advance_epochs(1000)) expected.push_back(lines_of(whole.program(), epochs));
  const auto other = make_cpu_executor(1);
  for (const int steps : {1, 7, 30}) {
    Trainer cut(c.members, *other);
    std::vector<std::string> got(c.members.size());
    while (!cut.finished()) {
      const auto epochs = cut.advance_epochs(steps);
      for (std::size_t r = 0; r < epochs.size(); ++r) {
        EXPECT_LE(epochs[r].size(), static_cast<std::size_t>(steps / cut.steps_per_epoch(r) + 1));
        got[r] += lines_of(cut.program(), epochs[r]);
      }
    }
    EXPECT_EQ(got, expected) << steps << " steps at a time";
  }
}

INSTANTIATE_TEST_SUITE_P(Systems, Epochs, testing::ValuesIn(member_setups()),
                         [](const auto& p) { return p.param.first; });

TEST(EpochsOfOneModel, AreAtMostSixtyFourInARun) {
  SyntheticSystem s = synthetic_system(synthetic_trunk(2));
  s.plan.epochs = 150;
  s.plan.patience = 0;
  CountingExecutor counting;
  Trainer trainer(s.data, s.split, s.plan, counting);
  trainer.advance_without_metrics(1 << 20);
  EXPECT_EQ(trainer.control().epoch, 64);
  EXPECT_EQ(trainer.advance_epochs(1 << 20).front().size(), 86u);
  EXPECT_EQ(counting.epochs, 3) << "of 64, of 64 and of 22";
}

TEST(EpochsOfOneModel, AreJudgedByErrorsOfMoreEntriesThanAreSummedAtATime) {
  constexpr int kRows = 400;
  SyntheticSystem s = synthetic_system(synthetic_vaegan(), kSystemBatch, kRows);
  s.split = {};
  for (int row = 0; row < kRows; ++row) (row < 40 ? s.split.train : s.split.validation).push_back(row);
  const int cols = of_kind<VaeganSystem>(*s.plan.setup.system).model.features;
  ASSERT_GT(360 * cols, 3 * kSquares);
  ASSERT_NE(kSquares % cols, 0) << "a row lies on both sides";
  s.plan.epochs = 2;
  CountingExecutor counting;
  Trainer trainer(s.data, s.split, s.plan, counting);
  const std::vector<EpochMetrics> epochs = trainer.advance_epochs(1000).front();
  const std::size_t doubles = counting.records.size() / static_cast<std::size_t>(counting.slots);
  ASSERT_EQ(epochs.size(), 2u);
  for (std::size_t e = 0; e < 2; ++e)
    EXPECT_EQ(counting.records[e * doubles + kRecordMonitor], -epochs[e].validation.figure("reconstruction_error"));
}

TEST(EpochsOfOneModel, AreJudgedWithoutTheLossThatNoRowFeeds) {
  SyntheticSystem s = synthetic_system(synthetic_setup());
  for (const int row : s.split.validation) s.data.label[static_cast<std::size_t>(row)] = -1;
  s.plan.epochs = 3;
  const auto executor = make_cpu_executor(1);
  Trainer trainer(s.data, s.split, s.plan, *executor);
  const std::vector<EpochMetrics> epochs = trainer.advance_epochs(1000).front();
  ASSERT_EQ(epochs.size(), 3u);
  EXPECT_TRUE(std::isnan(epochs[0].validation.losses[2])) << "a classification without labels";
  EXPECT_TRUE(epochs[0].best) << "by the two others";
  EXPECT_GT(trainer.best_epoch(), 0);
}

TEST(EpochsOfOneModel, TellTheirMetricsBeforeAValueThatStopsIt) {
  SyntheticSystem s = synthetic_system(synthetic_trunk(2));
  s.plan.epochs = 1000;
  s.plan.patience = 0;
  s.plan.setup.settings.lr = 1e18;  // a step or two go well
  s.plan.setup.settings.on_nonfinite = OnNonfinite::stop;
  s.plan.batch = 1000;  // an epoch is a step
  const auto executor = make_cpu_executor(1);
  Trainer trainer(s.data, s.split, s.plan, *executor);
  std::size_t told = 0;
  bool threw = false;
  for (int call = 0; call < 3 && !threw; ++call) {
    try {
      told += trainer.advance_epochs(1000).front().size();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::numerics);
      threw = true;
    }
  }
  EXPECT_TRUE(threw);
  EXPECT_EQ(told, static_cast<std::size_t>(trainer.control().epoch)) << "of every epoch that ended";
  EXPECT_GT(told, 0u);
  EXPECT_THROW(trainer.advance_epochs(1), Error) << "to advance again is to be told again";
}

TEST(EpochsOfOneModel, KeepNoOutputThatNobodyReads) {
  const SyntheticSystem s = synthetic_system(synthetic_setup());
  Emitted kept;
  class Looking : public TeamExecutor<HostTeam> {
   public:
    explicit Looking(Emitted& to) : TeamExecutor(1), to_(to) {}
    void run_epochs(const EpochsRun& run) override {
      TeamExecutor::run_epochs(run);
      to_ = *run.evaluate.emitted;
    }

   private:
    Emitted& to_;
  } looking(kept);
  Trainer trainer(s.data, s.split, s.plan, looking);
  trainer.advance_without_metrics(1000);
  ASSERT_GT(kept.values.size(), 1u);
  EXPECT_EQ(kept.values[0].size(), s.split.validation.size() * 2) << "the AUC reads the predictions";
  for (std::size_t o = 1; o < kept.values.size(); ++o) EXPECT_TRUE(kept.values[o].empty()) << o;
}

TEST(Records, HoldWhatTheirShapeSays) {
  const RecordShape shape{3, 5, 2, 2, 4};
  int32_t doubles = kRecordFields;
  Control control{};
  const auto count = [&](double*, int n) { doubles += n; };
  each_trained(shape, control, count);
  each_evaluated(shape, control, count);
  EXPECT_EQ(record_doubles(shape), doubles);
  EXPECT_EQ(doubles, 7 + 2 + 2 * 5 + 2 * 3 + 3 * 6 + 18 + 2 * 2 + 2 * 4 + 2 * 2) << "by hand";
}

TEST(RunsByEpochs, RefuseWhatIsNotOne) {
  const SyntheticSystem s = synthetic_system(synthetic_setup());
  const auto executor = make_cpu_executor(1);
  const Program train = synthetic_program(s.plan.setup, s.plan.batch, executor->plan_limits());
  PlanLimits limits = executor->plan_limits();
  limits.beside = train.code.get();
  const Program evaluate = evaluation_program(s.plan.setup, 20, limits);
  Population population(s.plan.setup, train, {0});
  std::vector<Control> scratch(1);
  std::vector<EpochRules> rules(1);
  rules[0].watch = s.plan.setup.system->watch({.monitor = Monitor::auc, .data = s.data, .rows = s.split.validation});
  std::vector<EpochStanding> standings(1);
  std::vector<double> records;
  Emitted emitted;
  emitted.rows = 20;
  const auto run = [&](int slots, std::vector<EpochRules> by, Emitted* to) {
    return EpochsRun{{train, population.settings, population.controls, {1, false}},
                     {evaluate, population.settings, scratch, {1, true}, to},
                     by.empty() ? std::span<const EpochRules>{} : std::span<const EpochRules>(rules),
                     standings,
                     slots,
                     false,
                     &records};
  };
  EXPECT_NO_THROW(launch_of(run(1, rules, &emitted), 1));
  EXPECT_THROW(launch_of(run(0, rules, &emitted), 1), std::logic_error) << "no room for a record";
  EXPECT_THROW(launch_of(run(1, {}, &emitted), 1), std::logic_error) << "no rules";
  EXPECT_THROW(launch_of(run(1, rules, nullptr), 1), std::logic_error) << "the output that is watched is not kept";
  emitted.outputs = ~uint32_t{1};
  EXPECT_THROW(launch_of(run(1, rules, &emitted), 1), std::logic_error) << "nor here";
  rules[0].watch.cols = 3;
  emitted.outputs = ~uint32_t{0};
  EXPECT_THROW(launch_of(run(1, rules, &emitted), 1), std::logic_error) << "of another width";
  // The best parameters that are loaded must be those of the replicas.
  rules[0].watch = Watch{};
  executor->load_tables(tables_of(*s.plan.setup.system, s.data, s.split, s.plan.class_weights));
  executor->load_state(population.state, train.state_floats);
  EXPECT_THROW(executor->run_epochs(run(1, rules, &emitted)), std::logic_error);
}

}  // namespace
}  // namespace equipoise::test
