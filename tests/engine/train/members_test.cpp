// tests/engine/train/members_test.cpp - members of a study that train at once, each with the bits it has alone.
#include "engine/train/member.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <stdexcept>

#include "engine/base/error.h"
#include "tests/engine/likelihood/made_likelihood.h"
#include "tests/engine/run/team_executor.h"
#include "tests/engine/train/member_cases.h"

namespace equipoise::test {
namespace {

void expect_same(const std::vector<Left>& got, const std::vector<Left>& expected, const std::string& where) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t m = 0; m < got.size(); ++m) {
    const std::string here = where + ", member " + std::to_string(m);
    EXPECT_EQ(got[m].hash, expected[m].hash) << here;
    EXPECT_EQ(got[m].model, expected[m].model) << here;
    EXPECT_EQ(got[m].checkpoint, expected[m].checkpoint) << here;
    EXPECT_EQ(got[m].said, expected[m].said) << here;
    EXPECT_EQ(got[m].end, expected[m].end) << here;
  }
}

class Members : public testing::TestWithParam<std::pair<std::string, Setup>> {
 protected:
  const MemberCase c = different_members(GetParam().second);
  const std::vector<Left> alone = left_alone(c, *make_cpu_executor(1));
};

TEST_P(Members, HaveTheBitsThatTheyHaveAlone) {
  for (const int threads : {1, 3}) {
    const auto executor = make_cpu_executor(threads);
    Trainer trainer(c.members, *executor);
    expect_same(train_to_end(trainer, threads == 1 ? 1000 : 3), alone, std::to_string(threads) + " threads");
  }
  HostExecutor team(2);
  Trainer trainer(c.members, team);
  expect_same(train_to_end(trainer, 4), alone, "teams of two threads");
  EXPECT_NE(alone[1].end.find("no improvement"), std::string::npos) << alone[1].end;
  for (std::size_t m = 0; m < alone.size(); ++m)
    for (std::size_t n = 0; n < m; ++n) EXPECT_NE(alone[m].hash, alone[n].hash) << m << " and " << n;
}

TEST_P(Members, HaveThemInAnyCompanyAndOrder) {
  MemberCase some = different_members(GetParam().second);
  std::vector<Left> expected;
  const std::vector<Member> all = some.members;
  some.members.clear();
  for (const std::size_t m : {4, 2, 2, 0}) {
    some.members.push_back(all[m]);
    expected.push_back(alone[m]);
  }
  const auto executor = make_cpu_executor(2);
  Trainer trainer(some.members, *executor);
  expect_same(train_to_end(trainer, 5), expected, "others");
  Trainer single({&c.members[3], 1}, *executor);
  expect_same(train_to_end(single, 5), {alone[3]}, "a member alone");
}

TEST_P(Members, HaveThemAmongSixHundred) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
  constexpr std::size_t kMany = 60;  // sanitized and unoptimised builds, which clang makes, take fifty times as long
#else
  constexpr std::size_t kMany = 600;
#endif
  std::vector<Member> many;
  for (std::size_t m = 0; m < kMany; ++m) many.push_back(c.members[m % c.members.size()]);
  const auto executor = make_cpu_executor(2);
  Trainer trainer(many, *executor);
  while (!trainer.finished()) trainer.advance_without_metrics(17);
  for (std::size_t m = 0; m < many.size(); ++m) {
    const TensorFile model = trainer.model(m), checkpoint = trainer.checkpoint(m);
    const Left& expected = alone[m % c.members.size()];
    ASSERT_EQ(model.metadata_at("sha256") + model.metadata_at("metadata_sha256"), expected.model) << m;
    ASSERT_EQ(checkpoint.metadata_at("sha256") + checkpoint.metadata_at("metadata_sha256"), expected.checkpoint) << m;
  }
}

TEST_P(Members, GoOnFromCheckpointsOfTheirOwn) {
  const auto executor = make_cpu_executor(2), other = make_cpu_executor(1);
  Trainer whole(c.members, *executor);
  std::vector<std::vector<std::string>> lines(c.members.size());
  for (int i = 0; i < 3; ++i) {
    const auto metrics = whole.advance_all(i == 2 ? 1 : 1000);
    for (std::size_t r = 0; r < metrics.size(); ++r)
      if (metrics[r]) lines[r].push_back(to_json_line(whole.program(), *metrics[r], false));
  }
  Trainer later(c.members, *other);
  for (std::size_t r = c.members.size(); r-- > 0;) later.restore(whole.checkpoint(r), r);
  for (std::size_t r = 0; r < c.members.size(); ++r) EXPECT_EQ(told(later.best(r)), told(whole.best(r))) << r;
  expect_same(train_to_end(later, 1000, lines), alone, "resumed");
  EXPECT_THROW(later.restore(whole.checkpoint(0), 1), Error) << "a checkpoint of another member";
}

TEST_P(Members, SayWhatTheirModelFilesSay) {
  const auto executor = make_cpu_executor(2), other = make_cpu_executor(1);
  Trainer trainer(c.members, *executor);
  for (int i = 0; i < 3; ++i) trainer.advance_all(1000);
  trainer.advance_all(2);
  for (const Part part : {Part::train, Part::validation, Part::test}) {
    const auto said = trainer.evaluate_best(part);
    for (std::size_t r = 0; r < c.members.size(); ++r) {
      const Member& m = c.members[r];
      EXPECT_EQ(said[r].has_value(), !rows_of(*m.split, part).empty()) << r;
      if (!said[r]) continue;
      const TensorFile model = trainer.model(r);
      const auto setup = read_model_setup(model);
      Evaluator evaluator(setup, *m.data, kEvaluationBatch, *other);
      other->load_tables(tables_of(*setup.system, *m.data, *m.split, class_weights_of(model)));
      other->load_state(read_model(evaluator.program(), model), evaluator.program().state_floats);
      EXPECT_EQ(told(said[r]), told(evaluator.evaluate(first_of(*m.split, part), rows_of(*m.split, part)))) << r;
    }
  }
  for (std::size_t r = 0; r < c.members.size(); ++r) {
    const Member& m = c.members[r];
    Trainer single(*m.data, *m.split, m.plan, *other);
    for (int i = 0; i < 3; ++i) single.advance(1000);
    single.advance(2);
    EXPECT_EQ(trainer.hash({}, r), single.hash({})) << "the training's state was touched";
    EXPECT_EQ(trainer.dead_layers(r), single.dead_layers()) << r;
    EXPECT_EQ(trainer.steps_per_epoch(r), single.steps_per_epoch()) << r;
  }
}

TEST_P(Members, ChooseTheSameEpochsWhereNobodyReadsTheirMetrics) {
  const auto executor = make_cpu_executor(2);
  Trainer trainer(c.members, *executor);
  while (!trainer.finished()) trainer.advance_without_metrics(3);
  std::vector<Left> left = train_to_end(trainer, 1), expected = alone;
  for (std::size_t r = 0; r < left.size(); ++r) left[r].hash = expected[r].hash = "";  // over lines that were not made
  expect_same(left, expected, "without metrics");
}

INSTANTIATE_TEST_SUITE_P(Systems, Members, testing::ValuesIn(member_setups()),
                         [](const auto& p) { return p.param.first; });

TEST(MembersAtOnce, AreEvaluatedOnAsManyRowsAsTheyHave) {
  static const Whole whole;
  auto setup = synthetic_towers(1);
  mtl(setup).tasks[0].likelihood = &whole;
  const MemberCase c = different_members(setup);
  const auto executor = make_cpu_executor(2);
  Trainer trainer(c.members, *executor);
  expect_same(train_to_end(trainer, 1000), left_alone(c, *make_cpu_executor(1)), "rows at once");
}

TEST(MembersThatFit, FitOnTheirOwnRows) {
  static const Fitting fitting;
  auto setup = synthetic_towers(2);
  mtl(setup).tasks[1].likelihood = &fitting;
  const MemberCase c = different_members(setup);
  const auto executor = make_cpu_executor(2), other = make_cpu_executor(1);
  Trainer trainer(c.members, *executor);
  expect_same(train_to_end(trainer, 1000), left_alone(c, *other), "fitting");
  EXPECT_NE(trainer.model(0).at("fitted.task1.offset").to_doubles(),
            trainer.model(1).at("fitted.task1.offset").to_doubles());
}

TEST(MembersWithDeadLayers, HaveThemOfTheirOwn) {
  const MemberCase c = different_members(synthetic_trunk(4));
  const auto executor = make_cpu_executor(1);
  Trainer trainer(c.members, *executor);
  TensorFile file = trainer.checkpoint(3);
  StoredTensor& bias = file.tensors.at("fc1.bias");
  bias = StoredTensor::from_floats(bias.shape, std::vector<float>(13, -1e6f));
  sign(file);
  trainer.restore(file, 3);
  ASSERT_FALSE(trainer.dead_layers(3).empty());
  EXPECT_EQ(trainer.dead_layers(3).front(), "fc1");
  EXPECT_TRUE(trainer.dead_layers(2).empty());
}

TEST(MembersThatMeetNonFiniteValues, EndAloneAndSayWhy) {
  MemberCase c = different_members(synthetic_towers());
  const MemberCase sound = different_members(synthetic_towers());
  Dataset spoiled = *c.data[0];
  std::fill(spoiled.views[0].begin(), spoiled.views[0].end(), std::numeric_limits<float>::infinity());
  c.members[1].data = &spoiled;
  const auto executor = make_cpu_executor(2);
  Trainer trainer(c.members, *executor);
  std::vector<Left> expected = left_alone(sound, *make_cpu_executor(1)), left = train_to_end(trainer, 2);
  EXPECT_EQ(trainer.control(1).status, Status::stopped);
  EXPECT_EQ(trainer.control(1).epoch, 0);
  EXPECT_TRUE(trainer.finished(1));
  EXPECT_EQ(trainer.failure(1).rfind("stopped at step 0: the loss of task", 0), 0u) << trainer.failure(1);
  EXPECT_EQ(trainer.finish_reason(1), trainer.failure(1));
  EXPECT_EQ(trainer.failure(0), "");
  left.erase(left.begin() + 1), expected.erase(expected.begin() + 1);
  expect_same(left, expected, "beside a stopped member");

  Trainer single(spoiled, *c.splits[1], c.members[1].plan, *executor);
  EXPECT_THROW(single.advance(2), Error);
  EXPECT_FALSE(single.finished()) << "to advance again is to be told again";
  EXPECT_THROW(single.advance(2), Error);
}

TEST(MembersThatAreFinished, NeitherStepNorValidate) {
  const MemberCase c = different_members(synthetic_towers());
  const auto executor = make_cpu_executor(1);
  Trainer trainer(c.members, *executor);
  while (!trainer.finished(2)) trainer.advance_all(1000);
  const int64_t steps = trainer.control(2).step;
  ASSERT_FALSE(trainer.finished());
  const auto metrics = trainer.advance_all(1000);
  EXPECT_TRUE(metrics[0]);
  EXPECT_FALSE(metrics[2]);
  EXPECT_EQ(trainer.control(2).step, steps);
  EXPECT_EQ(trainer.control(2).status, Status::running);
}

TEST(Groups, AreOfMembersWhoseProgramsAreTheSame) {
  const MemberCase base = different_members(synthetic_towers());
  std::vector<Member> members;
  const auto with = [&](const auto& change) {
    members.push_back(base.members[0]);
    change(members.back().plan);
  };
  const auto same = [](TrainingPlan&) {};
  with(same);                                                                 // 0: group 0
  with([](TrainingPlan& p) { p.batch = 7; });                                 // 1: group 1
  with([](TrainingPlan& p) { p.setup.settings.lr = 0.5; });                   // 2: group 0
  with([](TrainingPlan& p) { mtl(p.setup).trunk = {17}; });                   // 3: group 2
  with([](TrainingPlan& p) { mtl(p.setup).dropout = 0; });                    // 4: group 3
  with([](TrainingPlan& p) { mtl(p.setup).dropout = 0.375; });                // 5: group 0
  with([](TrainingPlan& p) { balance_by(p.setup, {"mgda"}); });               // 6: group 4
  with([](TrainingPlan& p) { p.setup.optimizer = OptimizerKind::sgd; });      // 7: group 5
  with([](TrainingPlan& p) { mtl(p.setup).activation = Activation::tanh; });  // 8: group 6
  with([](TrainingPlan& p) { p.setup = synthetic_vaegan(); });                // 9: group 7
  with([](TrainingPlan& p) { p.batch = 7; });                                 // 10: group 1
  with([](TrainingPlan& p) { mtl(p.setup).tasks[0].name = "other"; });        // 11: group 8
  with([](TrainingPlan& p) { p.setup.loss_scale = 0.5; });                    // 12: group 9
  with([](TrainingPlan& p) { p.setup.system->weigh_classes(); });             // 13: group 10
  using Group = std::vector<std::size_t>;
  EXPECT_EQ(groups_of(members, {}),
            (std::vector<Group>{{0, 2, 5}, {1, 10}, {3}, {4}, {6}, {7}, {8}, {9}, {11}, {12}, {13}}));
  EXPECT_TRUE(groups_of({}, {}).empty());
  for (const auto& [name, setup] : member_setups()) {
    const MemberCase c = different_members(setup);
    Group all(c.members.size());
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(groups_of(c.members, {}), std::vector<Group>{all}) << name;
  }
}

TEST(Groups, AreWhatATrainerTakes) {
  const MemberCase c = different_members(synthetic_towers());
  std::vector<Member> members = c.members;
  members[3].plan.batch = 7;
  EXPECT_THROW(Trainer(members, *make_cpu_executor(1)), std::logic_error);
  EXPECT_THROW(Trainer(std::vector<Member>{}, *make_cpu_executor(1)), std::logic_error);
}

TEST(TablesOfMembers, HoldEachDataSetSplitAndListOfWeightsOnce) {
  const MemberCase c = different_members(synthetic_towers());
  std::vector<Member> members = c.members;
  members.push_back(members[2]);
  std::vector<Settings> settings(members.size());
  const RunTables tables = tables_of(members, settings);
  EXPECT_EQ(tables.further_sets.size(), 2u);
  EXPECT_EQ(tables.row_list.size(), 58u + 52 + 65 + 26 + 39);
  EXPECT_EQ(tables.class_weights.size(), 2 * c.members[0].plan.class_weights.size());
  const std::vector<int> sets{0, 0, 1, 2, 2, 1}, first{0, 58, 110, 175, 201, 110}, rows{43, 38, 50, 12, 30, 50};
  for (std::size_t m = 0; m < members.size(); ++m) {
    EXPECT_EQ(settings[m].source_set, sets[m]) << m;
    EXPECT_EQ(settings[m].first_row, first[m]) << m;
    EXPECT_EQ(settings[m].rows, rows[m]) << m;
    EXPECT_EQ(settings[m].first_class_weight == 0, m != 2 && m != 5) << m;
  }
  EXPECT_EQ(std::vector<int>(tables.row_list.begin() + 110, tables.row_list.begin() + 160), members[2].split->train);
  EXPECT_EQ(tables.further_sets[1].sources[0].values, members[3].data->views[0]);
}

TEST(StatesOfSomeReplicas, AreMovedAloneOrRefused) {
  HostExecutor team(1);
  const auto cpu = make_cpu_executor(1);
  for (Executor* executor : {static_cast<Executor*>(&team), cpu.get()}) {
    executor->load_state(std::vector<float>{0, 1, 10, 11, 20, 21}, 2);
    executor->load_states(1, std::vector<float>{5, 6});
    std::vector<float> some(4), all(6);
    executor->store_states(1, some);
    executor->store_state(all);
    EXPECT_EQ(some, (std::vector<float>{5, 6, 20, 21}));
    EXPECT_EQ(all, (std::vector<float>{0, 1, 5, 6, 20, 21}));
    EXPECT_THROW(executor->store_states(2, some), std::logic_error);
    EXPECT_THROW(executor->store_states(4, {}), std::logic_error);
    EXPECT_THROW(executor->load_states(0, std::vector<float>{1}), std::logic_error) << "no whole state";
  }
}

}  // namespace
}  // namespace equipoise::test
