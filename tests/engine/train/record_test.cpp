// tests/engine/train/record_test.cpp - a recorded training replays to the same bits, whatever it was made of.
#include "engine/train/record.h"

#include <gtest/gtest.h>

#include <climits>
#include <cmath>
#include <random>

#include "engine/base/error.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/train/replay.h"
#include "engine/train/trainer.h"

namespace equipoise {
namespace {

/// 20 patients with views of 5 and 3 columns, every fifth unlabelled.
Dataset small_data() {
  Dataset d;
  std::mt19937 random(7);
  d.rows = 20;
  d.classes = 2;
  d.features = {5, 3};
  d.views.resize(2);
  for (int v = 0; v < 2; ++v)
    for (int i = 0; i < d.rows * d.features[static_cast<std::size_t>(v)]; ++i)
      d.views[static_cast<std::size_t>(v)].push_back(static_cast<float>(random() % 2000) / 1000.0f - 1.0f);
  for (int r = 0; r < d.rows; ++r) d.label.push_back(r % 5 == 4 ? -1 : r % 2);
  return d;
}

Split split_of(int train) {
  Split s;
  for (int r = 0; r < train; ++r) s.train.push_back(r);
  return s;
}

TrainingPlan plan_of(const std::string& variant, int batch) {
  TrainingPlan plan;
  plan.setup = mldrl_setup(variant);
  mldrl(plan.setup).features = {5, 3};
  plan.setup.settings.lr = plan.setup.settings.task_lr = 1e-2;
  plan.batch = batch;
  plan.class_weights = {1.0f, 2.5f};
  return plan;
}

/// Records, replays and expects no deviation at all.
void expect_same_bits(const TrainingPlan& plan, int train_rows, int steps) {
  const Dataset data = small_data();
  const auto executor = make_cpu_executor(1);
  const TensorFile record = record_training(data, split_of(train_rows), plan, steps, *executor);
  EXPECT_EQ(record.at("batch.view1").shape, (std::vector<int64_t>{steps, plan.batch, 5}));
  EXPECT_EQ(record.at("noise.view2").shape, (std::vector<int64_t>{steps, plan.batch, 10}));
  EXPECT_EQ(record.at("trace.losses").shape, (std::vector<int64_t>{steps, 3}));
  const TensorFile replayed = replay_record(record, *executor);
  for (const Deviation& d : compare_record(record, replayed)) EXPECT_EQ(d.worst, 0.0) << d.name << " at " << d.at;
  // Replay must not be comparing a model with itself standing still.
  EXPECT_NE(record.at("init.fc1.weight"), record.at("final.fc1.weight"));
}

TEST(Record, OfEitherVariantReplaysToTheSameBits) {
  for (const char* variant : {"paper", "code"}) expect_same_bits(plan_of(variant, 4), 18, 4);
}

TEST(Record, OfFixedWeightsAndOtherSettingsReplaysToTheSameBits) {
  TrainingPlan plan = plan_of("paper", 6);
  plan.setup.balance[0].methods = {Method{.kind = MethodKind::identity}};
  mldrl(plan.setup).output_activation = Activation::tanh;
  plan.setup.settings.weight_decay = 0.1;
  plan.setup.settings.clip_norm = 0.5;
  plan.setup.settings.beta1 = 0.7;
  expect_same_bits(plan, 18, 3);
}

TEST(Record, GoesOnIntoLaterEpochsWhereBatchesDivideTheRows) {
  EXPECT_EQ(most_recordable_steps(split_of(18), 6), INT_MAX);
  expect_same_bits(plan_of("paper", 6), 18, 8);
}

TEST(Record, EndsBeforeAShortBatch) {
  EXPECT_EQ(most_recordable_steps(split_of(18), 4), 4);
  const auto executor = make_cpu_executor(1);
  try {
    record_training(small_data(), split_of(18), plan_of("paper", 4), 5, *executor);
    FAIL() << "a short batch was recorded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("18 training rows make 4 full batches of 4"), std::string::npos);
  }
}

TEST(Record, HoldsTheTrainingsOwnSteps) {
  const Dataset data = small_data();
  const Split split = split_of(18);
  const TrainingPlan plan = plan_of("paper", 6);
  const auto executor = make_cpu_executor(1);
  const TensorFile record = record_training(data, split, plan, 3, *executor);
  const auto other = make_cpu_executor(1);
  Trainer trainer(data, split, plan, *other);
  trainer.advance(3);
  for (const auto& [name, tensor] : trainer.model().tensors) EXPECT_EQ(record.at("final." + name), tensor) << name;
}

TEST(Record, OfStepsThatOverflowIsRefused) {
  TrainingPlan plan = plan_of("paper", 6);
  plan.setup.settings.lr = 1e20;
  const auto executor = make_cpu_executor(1);
  try {
    record_training(small_data(), split_of(18), plan, 3, *executor);
    FAIL() << "it was recorded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::numerics);
  }
}

}  // namespace
}  // namespace equipoise
