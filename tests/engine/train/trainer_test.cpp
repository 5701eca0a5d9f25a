// tests/engine/train/trainer_test.cpp - epochs, selection, policies, and going on from a checkpoint.
#include "engine/train/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "engine/base/error.h"
#include "engine/run/parameters.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/train/checkpoint.h"
#include "kernels/base/philox.h"

namespace equipoise {
namespace {

/// Noisy looks at a hidden number that decides the label; every fifth patient is unlabelled.
Dataset make_data(int rows, std::vector<int> features = {5, 7}) {
  Dataset data;
  data.rows = rows;
  data.classes = 2;
  data.features = std::move(features);
  data.views.resize(data.features.size());
  for (int r = 0; r < rows; ++r) {
    data.ids.push_back("P" + std::to_string(1000 + r));
    float hidden[4];
    normals(draw({7, 0, 0, 99}, static_cast<uint32_t>(r)), hidden);
    data.label.push_back(r % 5 == 4 ? -1 : (hidden[0] > 0 ? 1 : 0));
    for (std::size_t v = 0; v < data.views.size(); ++v)
      for (int c = 0; c < data.features[v]; ++c) {
        float noise[4];
        normals(draw({8, static_cast<uint32_t>(v), static_cast<uint32_t>(c), 99}, static_cast<uint32_t>(r)), noise);
        data.views[v].push_back(hidden[c % 2] + 0.5f * noise[0]);
      }
  }
  return data;
}

Split make_split(int rows, int validation) {
  Split split;
  for (int r = 0; r < rows; ++r) (r < validation ? split.validation : split.train).push_back(r);
  return split;
}

TrainingPlan make_plan(const Dataset& data) {
  TrainingPlan plan;
  plan.setup = mldrl_setup("paper");
  mldrl(plan.setup).features = data.features;
  mldrl(plan.setup).hidden = 8;
  mldrl(plan.setup).shared = 3;
  mldrl(plan.setup).specific = 2;
  plan.setup.settings.lr = plan.setup.settings.task_lr = 1e-3;
  plan.batch = 16;
  plan.epochs = 5;
  plan.patience = 0;
  plan.class_weights = {1.0f, 2.0f};
  return plan;
}

/// Runs to the end in pieces of `steps`, collecting metric lines.
std::string run_to_end(Trainer& trainer, int steps, std::vector<std::string>& lines) {
  while (!trainer.finished())
    if (const auto metrics = trainer.advance(steps)) lines.push_back(to_json_line(trainer.program(), *metrics, false));
  return trainer.hash(lines);
}

class TrainerTest : public testing::Test {
 protected:
  Dataset data = make_data(67);  // 51 train, so that every epoch ends in a batch of 3
  Split split = make_split(67, 16);
  TrainingPlan plan = make_plan(data);
  std::unique_ptr<Executor> executor = make_cpu_executor(1);
};

TEST_F(TrainerTest, GoesOnFromACheckpointAfterEveryStepOfTwentyWithTheSameBits) {
  ASSERT_EQ(Trainer(data, split, plan, *executor).steps_per_epoch(), 4);
  std::vector<std::string> lines;
  Trainer whole(data, split, plan, *executor);
  const std::string expected = run_to_end(whole, 1000, lines);
  ASSERT_EQ(whole.control().step, 20);
  for (int stop = 1; stop < 20; ++stop) {
    std::vector<std::string> pieces;
    TensorFile file;
    {
      Trainer first(data, split, plan, *executor);
      for (int s = 0; s < stop; ++s)
        if (const auto metrics = first.advance(1)) pieces.push_back(to_json_line(first.program(), *metrics, false));
      file = first.checkpoint();
    }
    const std::unique_ptr<Executor> elsewhere = make_cpu_executor(2);
    Trainer second(data, split, plan, *elsewhere);
    second.restore(file);
    EXPECT_EQ(run_to_end(second, 1000, pieces), expected) << "interrupted after step " << stop;
    EXPECT_EQ(pieces, lines) << "interrupted after step " << stop;
    EXPECT_EQ(second.best_epoch(), whole.best_epoch());
  }
}

TEST_F(TrainerTest, OfAnyNumberOfViewsGoesOnWithTheSameBits) {
  for (const std::vector<int>& features : {std::vector<int>{5}, {5, 7, 3}, {5, 7, 3, 1}, {5, 7, 3, 1, 4, 2}}) {
    data = make_data(67, features);
    plan = make_plan(data);
    if (features.size() == 1) mldrl(plan.setup).losses = {kReconstruction, kClassification};
    std::vector<std::string> lines, pieces;
    Trainer whole(data, split, plan, *executor);
    const std::string expected = run_to_end(whole, 1000, lines);
    Trainer first(data, split, plan, *executor);
    for (int s = 0; s < 7; ++s)
      if (const auto metrics = first.advance(1)) pieces.push_back(to_json_line(first.program(), *metrics, false));
    const std::unique_ptr<Executor> elsewhere = make_cpu_executor(2);
    Trainer second(data, split, plan, *elsewhere);
    second.restore(first.checkpoint());
    EXPECT_EQ(run_to_end(second, 1000, pieces), expected) << features.size() << " views";
    EXPECT_EQ(pieces, lines) << features.size() << " views";
  }
}

TEST_F(TrainerTest, GivesTheSameBitsInPiecesOfAnySize) {
  std::vector<std::string> lines, pieces;
  Trainer whole(data, split, plan, *executor);
  const std::string expected = run_to_end(whole, 1000, lines);
  for (int steps : {1, 3}) {
    pieces.clear();
    Trainer trainer(data, split, plan, *executor);
    EXPECT_EQ(run_to_end(trainer, steps, pieces), expected);
  }
}

TEST_F(TrainerTest, HashChangesWithTheSeed) {
  std::vector<std::string> lines, others;
  Trainer one(data, split, plan, *executor);
  const std::string hash = run_to_end(one, 1000, lines);
  plan.setup.settings.seed = 2;
  Trainer two(data, split, plan, *executor);
  EXPECT_NE(run_to_end(two, 1000, others), hash);
}

TEST_F(TrainerTest, KeepsTheEpochWithTheLargestValidationAuc) {
  plan.epochs = 60;
  Trainer trainer(data, split, plan, *executor);
  double best = -1;
  int epoch = 0;
  while (!trainer.finished())
    if (const auto m = trainer.advance(1000)) {
      const double auc = m->validation.figure("auc");
      EXPECT_EQ(m->best, auc > best);
      if (auc > best) best = auc, epoch = m->epoch;
    }
  EXPECT_EQ(trainer.best_epoch(), epoch);
  EXPECT_GT(best, 0.8) << "the hidden number is easy to find";
  EXPECT_EQ(trainer.model().metadata_at("epoch"), std::to_string(epoch));
}

// One hidden unit that dies makes both views' latent means equal: the ratio is 0 / 0, and an epoch without it must not
// look better than one with it.
TEST_F(TrainerTest, NeverTakesACollapsedEpochForTheOneWithTheSmallestLoss) {
  mldrl(plan.setup).hidden = 1;
  plan.setup.balance[0].methods = {Method{.kind = MethodKind::identity}};
  plan.setup.settings.lr = 0.3;
  plan.monitor = Monitor::loss;
  plan.epochs = 30;
  int collapsed = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    plan.setup.settings.seed = seed;
    Trainer trainer(data, split, plan, *executor);
    while (!trainer.finished())
      if (const auto m = trainer.advance(1000)) collapsed += std::isnan(m->validation.losses[1]);
    if (trainer.best_epoch() > 0) {
      EXPECT_FALSE(std::isnan(trainer.best()->losses[1])) << "seed " << seed;
    }
  }
  EXPECT_GT(collapsed, 0) << "no epoch collapsed, so the test says nothing";
}

TEST_F(TrainerTest, WithoutValidationRowsTheLastStateIsTheModel) {
  split = make_split(67, 0);
  plan.monitor = Monitor::loss;
  Trainer trainer(data, split, plan, *executor);
  while (!trainer.finished()) trainer.advance(1000);
  EXPECT_EQ(trainer.best_epoch(), 0);
  EXPECT_EQ(trainer.model().metadata_at("epoch"), "5");
  std::vector<float> state(static_cast<std::size_t>(trainer.program().state_floats));
  executor->store_state(state);
  const ParameterInfo& p = trainer.program().parameters.front();
  EXPECT_EQ(trainer.model().at(p.name).to_floats(), read_parameter(trainer.program(), p, StatePart::parameter, state));
}

TEST_F(TrainerTest, WeighsAShortLastBatchByItsRows) {
  plan.epochs = 1;
  Trainer trainer(data, split, plan, *executor);
  double weighted = 0, labelled = 0, label_weight = 0;
  int rows = 0;
  std::optional<EpochMetrics> metrics;
  while (!metrics) {
    const int before = trainer.control().position;
    metrics = trainer.advance(1);
    const int n = (metrics ? 51 : trainer.control().position) - before;
    weighted += n * trainer.control().losses[0];
    labelled += trainer.control().label_weight * trainer.control().losses[2];
    label_weight += trainer.control().label_weight;
    rows += n;
  }
  EXPECT_EQ(rows, 51);
  EXPECT_NEAR(metrics->losses[0], weighted / 51, 1e-12 * std::fabs(weighted));
  EXPECT_NEAR(metrics->losses[2], labelled / label_weight, 1e-12 * labelled);
}

TEST_F(TrainerTest, RefusesACheckpointOfAnotherRun) {
  Trainer trainer(data, split, plan, *executor);
  trainer.advance(3);
  const TensorFile file = trainer.checkpoint();
  const auto refused = [&](TrainingPlan other, const Split& other_split) {
    Trainer stranger(data, other_split, other, *executor);
    try {
      stranger.restore(file);
    } catch (const Error& e) {
      return e.code() == ExitCode::checkpoint && stranger.control().step == 0;
    }
    return false;
  };
  TrainingPlan other = plan;
  other.setup.settings.seed = 99;
  EXPECT_TRUE(refused(other, split));
  other = plan;
  other.setup.settings.lr = 0.5;
  EXPECT_TRUE(refused(other, split));
  other = plan;
  other.batch = 8;
  EXPECT_TRUE(refused(other, split));
  other = plan;
  mldrl(other.setup).hidden = 9;
  EXPECT_TRUE(refused(other, split));
  EXPECT_TRUE(refused(plan, make_split(67, 10)));
  TensorFile damaged = file;
  damaged.tensors.at("fc1.bias").bytes[2] ^= std::byte{1};
  EXPECT_THROW(trainer.restore(damaged), Error);
  TensorFile torn = file;
  torn.tensors.erase("moment2.fc1.bias");
  EXPECT_THROW(trainer.restore(torn), Error);
  EXPECT_EQ(trainer.control().step, 3) << "a refused checkpoint changes nothing";
}

// An epoch of 51 rows ends at row 51, where the next begins at 0; the first epoch may be the best of one.
TEST_F(TrainerTest, RefusesACheckpointWhoseCountersContradictEachOther) {
  Trainer trainer(data, split, plan, *executor);
  trainer.advance(1000);
  trainer.advance(3);
  const TensorFile file = trainer.checkpoint();
  const auto refused = [&](const std::string& name, const StoredTensor& tensor) {
    TensorFile changed = file;
    changed.tensors["control." + name] = tensor;
    sign(changed);
    Trainer other(data, split, plan, *executor);
    try {
      other.restore(changed);
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("contradict"), std::string::npos) << e.what();
      EXPECT_EQ(other.control().step, 0);
      return true;
    }
    return false;
  };
  const auto whole = [](int32_t value) { return StoredTensor::from_int32({1}, std::vector<int32_t>{value}); };
  const auto best = [](double epoch) { return StoredTensor::from_doubles({2}, std::vector<double>{epoch, 0.5}); };
  const int batch = plan.batch, position = trainer.control().position;
  EXPECT_FALSE(refused("position", whole(position)));
  for (const int bad : {-1, 0, position - 1, position + 1, position + batch, 51, 52})
    EXPECT_TRUE(refused("position", whole(bad)));
  for (const char* name : {"status", "bad_kind"})
    for (const int bad : {-1, 3}) EXPECT_TRUE(refused(name, whole(bad))) << name << bad;
  const int tasks = static_cast<int>(trainer.program().task_names.size());
  EXPECT_FALSE(refused("bad_index", whole(tasks - 1)));
  for (const int bad : {-1, tasks, INT32_MAX}) EXPECT_TRUE(refused("bad_index", whole(bad))) << bad;
  const auto wide = [](int64_t value) { return StoredTensor::from_int64({1}, std::vector<int64_t>{value}); };
  const int64_t steps = trainer.control().step;
  for (const char* name : {"step", "bad_step"})
    for (const int64_t bad : {int64_t{-1}, steps + 1, INT64_MAX}) EXPECT_TRUE(refused(name, wide(bad))) << name << bad;
  EXPECT_TRUE(refused("skipped", whole(static_cast<int>(steps) + 1)));
  for (const double epoch : {-1.0, 0.5, 1.0, 2.0}) EXPECT_EQ(refused("best", best(epoch)), epoch != 1) << epoch;
  for (const int bad : {-1, 0, INT32_MAX}) EXPECT_TRUE(refused("epoch", whole(bad))) << bad;
}

TEST_F(TrainerTest, HashChangesWithEachParameterEachMomentAndEachLine) {
  Trainer trainer(data, split, plan, *executor);
  trainer.advance(3);
  const TensorFile file = trainer.checkpoint();
  const std::vector<std::string> lines{"one", "two"};
  const std::string hash = trainer.hash(lines);
  for (const ParameterInfo& p : trainer.program().parameters)
    for (const char* part : {"", "moment1.", "moment2."}) {
      TensorFile changed = file;
      changed.tensors.at(part + p.name).bytes.back() ^= std::byte{1};
      sign(changed);
      trainer.restore(changed);
      EXPECT_NE(trainer.hash(lines), hash) << part << p.name;
    }
  trainer.restore(file);
  EXPECT_EQ(trainer.hash(lines), hash);
  for (const std::vector<std::string>& other : {std::vector<std::string>{"one"}, {"two", "one"}, {"onetwo"}})
    EXPECT_NE(trainer.hash(other), hash);
}

class NonFinite : public TrainerTest {
 protected:
  void SetUp() override {
    data.views[0][static_cast<std::size_t>(30) * 5 + 2] = std::numeric_limits<float>::quiet_NaN();  // a training row
    plan.epochs = 3;
  }
};

TEST_F(NonFinite, StopNamesStepReplicaAndTensorAndKeepsTheStateBeforeIt) {
  Trainer trainer(data, split, plan, *executor);
  std::vector<float> before(static_cast<std::size_t>(trainer.program().state_floats)), after = before;
  try {
    for (int s = 0; s < 12; ++s) {
      executor->store_state(before);
      trainer.advance(1);
    }
    FAIL() << "no step met the NaN";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::numerics);
    const std::string what = e.what();
    EXPECT_NE(what.find("step " + std::to_string(trainer.control().bad_step) + " of replica 0"), std::string::npos)
        << what;
    EXPECT_NE(what.find("the loss of reconstruction"), std::string::npos) << what;
  }
  executor->store_state(after);
  EXPECT_EQ(before, after);
}

TEST_F(NonFinite, SkipLeavesOutOneStepAnEpochAndGoesOn) {
  plan.setup.settings.on_nonfinite = OnNonfinite::skip;
  Trainer trainer(data, split, plan, *executor);
  std::vector<float> before(static_cast<std::size_t>(trainer.program().state_floats)), after = before;
  int unchanged = 0;
  while (!trainer.finished()) {
    executor->store_state(before);
    trainer.advance(1);
    executor->store_state(after);
    unchanged += before == after;
    for (float value : after) ASSERT_TRUE(std::isfinite(value));
  }
  EXPECT_EQ(trainer.control().skipped, 3);
  EXPECT_EQ(unchanged, 3);
  EXPECT_EQ(trainer.control().epoch, 3);
}

TEST_F(NonFinite, FreezeEndsTheReplica) {
  plan.setup.settings.on_nonfinite = OnNonfinite::freeze;
  Trainer trainer(data, split, plan, *executor);
  int guard = 0;
  while (!trainer.finished() && ++guard < 100) trainer.advance(1);
  EXPECT_EQ(trainer.control().status, Status::frozen);
  EXPECT_EQ(trainer.control().skipped, 1);
  EXPECT_NE(trainer.finish_reason().find("frozen at step"), std::string::npos);
}

TEST_F(TrainerTest, RefusesWhatTheDataCannotGive) {
  const auto code = [&](const Split& s, const TrainingPlan& p) {
    try {
      Trainer trainer(data, s, p, *executor);
    } catch (const Error& e) {
      return e.code();
    }
    return ExitCode::done;
  };
  EXPECT_EQ(code(split, plan), ExitCode::done);
  EXPECT_EQ(code(make_split(67, 67), plan), ExitCode::data) << "no training rows";
  Split unlabelled;
  for (int r = 0; r < 67; ++r)
    (data.label[static_cast<std::size_t>(r)] < 0 ? unlabelled.validation : unlabelled.train).push_back(r);
  EXPECT_EQ(code(unlabelled, plan), ExitCode::data) << "no AUC without labels";
  TrainingPlan wrong = plan;
  wrong.class_weights = {1.0f};
  EXPECT_EQ(code(split, wrong), ExitCode::data);
}

TEST_F(TrainerTest, TrainsInBatchesOfOneAndOnOneRow) {
  plan.batch = 1;
  plan.epochs = 1;
  plan.setup.settings.on_nonfinite = OnNonfinite::skip;
  Trainer single(data, split, plan, *executor);
  while (!single.finished()) single.advance(1000);
  EXPECT_EQ(single.control().step, 51);
  EXPECT_EQ(single.control().skipped, 0);
  Split one;
  one.train = {3};
  plan.batch = 32;
  plan.monitor = Monitor::loss;
  Trainer lonely(data, one, plan, *executor);
  while (!lonely.finished()) lonely.advance(1000);
  EXPECT_EQ(lonely.control().step, 1);
}

}  // namespace
}  // namespace equipoise
