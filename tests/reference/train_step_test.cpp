// tests/reference/train_step_test.cpp - what a training step does to parameters and task weights beyond the records.
#include "tests/reference/train_step.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/reference/random_problem.h"

namespace equipoise::reference {
namespace {

MldrlSettings settings_for(const ProblemSize& size) {
  MldrlSettings settings = paper_settings();
  settings.shared = size.shared;
  return settings;
}

void expect_equal(const MldrlParameters& a, const MldrlParameters& b) {
  for (const auto& [name, value] : a.by_name) EXPECT_EQ(value.values, b.at(name).values) << name;
}

TEST(TrainStep, UsesTheInitialWeightsAsGivenAndRescalesAfterwards) {
  const ProblemSize size;
  Draws draws(21);
  Trainer trainer(settings_for(size), random_parameters(size, draws));
  const StepTrace trace = trainer.step(random_batch(size, draws));
  EXPECT_EQ(trace.weights, (std::vector<double>{1.4, 3.0, 0.3}));
  const std::vector<double>& w = trainer.task_weights();
  EXPECT_NEAR(w[0] + w[1] + w[2], 3.0, 1e-15);
}

TEST(TrainStep, LowersTheTotalLossOfABatchSeenAgainAndAgain) {
  const ProblemSize size;
  MldrlSettings settings = settings_for(size);
  settings.gradnorm = false;
  settings.adam.lr = 1e-2;
  Draws draws(22);
  Trainer trainer(settings, random_parameters(size, draws));
  const Batch batch = random_batch(size, draws);
  const auto total = [](const StepTrace& t) {
    return t.weights[0] * t.losses[0] + t.weights[1] * t.losses[1] + t.weights[2] * t.losses[2];
  };
  const double first = total(trainer.step(batch));
  StepTrace last;
  for (int step = 0; step < 100; ++step) last = trainer.step(batch);
  EXPECT_LT(total(last), 0.7 * first);
  EXPECT_EQ(trainer.task_weights(), settings.initial_task_weights);
}

TEST(TrainStep, LetsClassificationSitOutABatchWithoutLabels) {
  const ProblemSize size;
  MldrlSettings settings = settings_for(size);
  settings.renormalise_after_step = false;
  Draws draws(23);
  Trainer trainer(settings, random_parameters(size, draws));
  const Batch labelled = random_batch(size, draws);
  Batch unlabelled = labelled;
  unlabelled.label.assign(unlabelled.label.size(), -1);

  const StepTrace without = trainer.step(unlabelled);
  EXPECT_EQ(without.losses[2], 0.0);
  EXPECT_EQ(without.norms[2], 0.0);
  EXPECT_EQ(without.targets[2], 0.0);
  EXPECT_NEAR(without.targets[0], (without.norms[0] + without.norms[1]) / 2.0, 1e-12);
  EXPECT_EQ(trainer.task_weights()[2], 0.3);
  EXPECT_NE(trainer.task_weights()[0], 1.4);

  // Its L(0) is the loss of this step, so its ratio is 1, and Adam's first step has length lr.
  const StepTrace with = trainer.step(labelled);
  EXPECT_GT(with.losses[2], 0.0);
  EXPECT_NEAR(std::fabs(trainer.task_weights()[2] - 0.3), settings.task_lr, 1e-6 * settings.task_lr);
  const double r0 = with.losses[0] / without.losses[0];
  const double r1 = with.losses[1] / without.losses[1];
  const double mean_norm = (with.norms[0] + with.norms[1] + with.norms[2]) / 3.0;
  EXPECT_NEAR(with.targets[2], mean_norm * std::pow(3.0 / (r0 + r1 + 1.0), settings.alpha), 1e-12 * mean_norm);
}

TEST(TrainStep, ChangesNothingWhereALossIsNotFinite) {
  const ProblemSize size;
  Draws draws(24);
  const MldrlParameters initial = random_parameters(size, draws);
  const Batch good = random_batch(size, draws);
  Batch bad = good;
  bad.view[0].at(0, 0) = std::numeric_limits<double>::quiet_NaN();

  Trainer struck(settings_for(size), initial);
  Trainer spared(settings_for(size), initial);
  EXPECT_FALSE(struck.step(bad).finite);
  expect_equal(struck.parameters(), initial);
  EXPECT_TRUE(struck.step(good).finite);
  EXPECT_TRUE(spared.step(good).finite);
  expect_equal(struck.parameters(), spared.parameters());
  EXPECT_EQ(struck.task_weights(), spared.task_weights());
}

TEST(TrainStep, ClipsTheGradientOfTheTotalLossOverAllParameters) {
  const ProblemSize size;
  MldrlSettings settings = settings_for(size);
  settings.adam.eps = 1.0;  // with a large eps the first step is nearly proportional to the gradient
  settings.adam.lr = 1.0;
  settings.clip_norm = 1e-3;
  Draws draws(25);
  const MldrlParameters initial = random_parameters(size, draws);
  Trainer trainer(settings, initial);
  trainer.step(random_batch(size, draws));
  double squares = 0.0;
  for (const auto& [name, value] : trainer.parameters().by_name) {
    Matrix moved = value;
    accumulate(moved, initial.at(name), -1.0);
    squares += dot(moved.values, moved.values);
  }
  // each entry moves by g / (|g| + 1) with |g| <= 1e-3; the clipped norm is below 1e-3 by the 1e-6 in its denominator
  EXPECT_NEAR(std::sqrt(squares), 1e-3, 2e-6);
}

TEST(TrainStep, DecaysParametersButNotTaskWeights) {
  const ProblemSize size;
  MldrlSettings plain = settings_for(size);
  plain.renormalise_after_step = false;
  MldrlSettings decaying = plain;
  decaying.adam.weight_decay = 10.0;
  Draws draws(27);
  const MldrlParameters initial = random_parameters(size, draws);
  const Batch batch = random_batch(size, draws);
  Trainer without(plain, initial);
  Trainer with(decaying, initial);
  without.step(batch);
  with.step(batch);
  EXPECT_EQ(with.task_weights(), without.task_weights());
  for (const auto& [name, value] : with.parameters().by_name) {
    const double expected = without.parameters().at(name).at(0, 0) - plain.adam.lr * 10.0 * initial.at(name).at(0, 0);
    EXPECT_NEAR(value.at(0, 0), expected, 1e-15) << name;
  }
}

TEST(TrainStep, RunsAtTheSmallestAndAtPublishedSizes) {
  for (const ProblemSize& size :
       {ProblemSize{1, {1, 1}, 1, 1, 1, 2}, ProblemSize{1, {81, 40}, 32, 6, 4, 2}, ProblemSize{32, {81, 81}, 32, 6, 4, 5}}) {
    for (MldrlSettings settings : {paper_settings(), code_settings()}) {
      settings.shared = size.shared;
      Draws draws(26);
      const MldrlParameters initial = random_parameters(size, draws);
      Trainer trainer(settings, initial);
      for (int step = 0; step < 3; ++step) EXPECT_TRUE(trainer.step(random_batch(size, draws)).finite);
      EXPECT_NE(trainer.parameters().at("fc1.bias").values, initial.at("fc1.bias").values);
    }
  }
}

TEST(TrainStep, RefusesAnyButThreeInitialTaskWeights) {
  MldrlSettings settings;
  settings.initial_task_weights = {1.0, 1.0};
  EXPECT_THROW(Trainer(settings, {}), std::invalid_argument);
}

}  // namespace
}  // namespace equipoise::reference
