// tests/engine/train/patience_test.cpp - patience counts once the training loss has fallen, or after warmup, also in a
// training that is gone on with.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "engine/base/error.h"
#include "engine/train/checkpoint.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

class Patience : public testing::Test {
 protected:
  Patience() {
    s_.plan.monitor = Monitor::loss;
    s_.plan.patience = 3;
    s_.plan.epochs = 60;
  }

  void stop_learning() { s_.plan.setup.settings.lr = s_.plan.setup.settings.task_lr = 1e-12; }
  /// A training to its end.
  std::unique_ptr<Trainer> trained() {
    auto trainer = std::make_unique<Trainer>(s_.data, s_.split, s_.plan, *executor_);
    finish(*trainer);
    return trainer;
  }
  static void finish(Trainer& trainer) {
    while (!trainer.finished()) trainer.advance(1000);
  }

  SyntheticSystem s_ = synthetic_system(synthetic_trunk(4));
  std::unique_ptr<Executor> executor_ = make_cpu_executor(1);
};

TEST_F(Patience, DoesNotEndATrainingThatHasLearnedNothing) {
  stop_learning();
  const auto trainer = trained();
  EXPECT_EQ(trainer->control().epoch, 60) << trainer->finish_reason();
  EXPECT_FALSE(trainer->out_of_patience());
  EXPECT_EQ(trainer->finish_reason(), "all 60 epochs done");
}

TEST_F(Patience, CountsFromTheEpochThatWarmupSays) {
  stop_learning();
  for (const int warmup : {1, 20}) {
    s_.plan.warmup = warmup;
    const auto trainer = trained();
    EXPECT_EQ(trainer->control().epoch, std::max(trainer->best_epoch(), warmup) + 3);
    EXPECT_LT(trainer->control().epoch, 60) << "the test says nothing";
    EXPECT_TRUE(trainer->out_of_patience());
    EXPECT_EQ(trainer->finish_reason(), "no improvement for 3 epochs");
  }
}

TEST_F(Patience, CountsFromTheFallOfTheTrainingLossAlsoAfterARestart) {
  s_.plan.setup.settings.lr = 0.02;
  s_.plan.epochs = 400;
  const auto whole = trained();
  const int fell = epoch_of_fall(whole->losses().total);
  ASSERT_GE(fell, 10);
  ASSERT_LT(whole->control().epoch, 400) << "it never stopped early, so the test says nothing";
  EXPECT_EQ(whole->control().epoch, std::max(whole->best_epoch(), fell) + 3);
  for (const int stop : {1, fell - 1, fell, fell + 1}) {
    Trainer first(s_.data, s_.split, s_.plan, *executor_);
    while (first.control().epoch < stop) first.advance(1000);
    const TensorFile file = first.checkpoint();
    Trainer second(s_.data, s_.split, s_.plan, *executor_);
    second.restore(file);
    EXPECT_EQ(second.losses().total, first.losses().total);
    finish(second);
    EXPECT_EQ(second.control().epoch, whole->control().epoch) << "stopped after epoch " << stop;
    EXPECT_EQ(second.losses().total, whole->losses().total);
    EXPECT_EQ(second.losses().first, whole->losses().first);
    EXPECT_EQ(second.hash({}), whole->hash({}));
  }
}

TEST_F(Patience, CountsFromTheFirstEpochInCheckpointsThatHoldNoLosses) {
  stop_learning();
  Trainer first(s_.data, s_.split, s_.plan, *executor_);
  for (int epoch = 0; epoch < 2; ++epoch) first.advance(1000);
  TensorFile older = first.checkpoint();
  const auto restored = [&](const TensorFile& file) {
    Trainer second(s_.data, s_.split, s_.plan, *executor_);
    second.restore(file);
    finish(second);
    return std::pair(second.control().epoch, second.best_epoch());
  };
  for (const char* name : {"control.training_loss", "control.first_losses"}) {
    TensorFile torn = older;
    torn.tensors.erase(name);
    sign(torn);
    EXPECT_THROW(restored(torn), Error) << name;
  }
  EXPECT_EQ(restored(older).first, 60);
  for (const char* name : {"control.training_loss", "control.first_losses"}) older.tensors.erase(name);
  older.metadata["format"] = "equipoise checkpoint 2";
  sign(older);
  const auto [epoch, best] = restored(older);
  EXPECT_EQ(epoch, best + 3);
}

TEST_F(Patience, IsNotWhatEndsATrainingOfWhichAWholeEpochIsLeftOut) {
  s_.plan.setup.settings.on_nonfinite = OnNonfinite::skip;
  for (float& x : s_.data.views[0]) x = std::numeric_limits<float>::quiet_NaN();
  s_.plan.monitor = Monitor::none;
  const auto trainer = trained();
  EXPECT_EQ(trainer->control().epoch, 1);
  EXPECT_EQ(trainer->control().skipped, trainer->steps_per_epoch());
  EXPECT_NE(trainer->failure().find("every step of epoch 1 was left out: the loss of "), std::string::npos)
      << trainer->failure();
  EXPECT_EQ(trainer->finish_reason(), trainer->failure());
  EXPECT_FALSE(trainer->out_of_patience());
  s_.plan.setup.settings.on_nonfinite = OnNonfinite::freeze;
  EXPECT_NE(trained()->failure().find("frozen at step 0"), std::string::npos);
}

}  // namespace
}  // namespace equipoise::test
