// tests/reference/mtl_step_test.cpp - what a multi-task training step does beyond the records.
#include "tests/reference/mtl_step.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/reference/mtl_problem.h"

namespace equipoise::reference {
namespace {

/// Two tasks, a regression and a binary one, on a trunk of one layer.
struct TwoTasks {
  MtlSettings settings;
  MtlParameters parameters;
  MtlBatch batch;

  TwoTasks() {
    Draws draws(41);
    settings.network = {{"trunk"},
                        {{"number", TargetKind::regression, {"head0"}}, {"event", TargetKind::binary, {"head1"}}},
                        Activation::tanh,
                        0.0};
    settings.gradnorm_over = {"trunk.weight"};
    settings.weights.initial = {1.5, 0.5};
    settings.adam.lr = 1e-2;
    add_layer(parameters, "trunk", 4, 6, draws);
    add_layer(parameters, "head0", 6, 2, draws);
    add_layer(parameters, "head1", 6, 1, draws);
    batch.x = draws.matrix(8, 4);
    batch.target = {draws.matrix(8, 2), Matrix(8, 1, {0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0})};
  }
};

TEST(MtlStep, LowersBothLossesOfABatchSeenAgainAndAgain) {
  const TwoTasks p;
  MtlTrainer trainer(p.settings, p.parameters);
  const MtlTrace first = trainer.step(p.batch);
  MtlTrace last;
  for (int step = 0; step < 200; ++step) last = trainer.step(p.batch);
  EXPECT_LT(last.losses[0], 0.7 * first.losses[0]);
  EXPECT_LT(last.losses[1], 0.7 * first.losses[1]);
  EXPECT_NEAR(last.weights[0] + last.weights[1], 2.0, 1e-12);
}

TEST(MtlStep, LetsATaskWithoutLabelsSitOut) {
  TwoTasks p;
  p.batch.target[1] = Matrix(8, 1, std::numeric_limits<double>::quiet_NaN());
  p.settings.weights.renormalise = Renormalise::none;
  MtlTrainer trainer(p.settings, p.parameters);
  const MtlTrace trace = trainer.step(p.batch);
  EXPECT_TRUE(trace.finite);
  EXPECT_EQ(trace.losses[1], 0.0);
  EXPECT_EQ(trace.balance.targets[1], 0.0);
  EXPECT_EQ(trainer.raw_weights()[1], 0.5);
  EXPECT_EQ(trainer.parameters().at("head1.weight").values, p.parameters.at("head1.weight").values);
  EXPECT_NE(trainer.parameters().at("head0.weight").values, p.parameters.at("head0.weight").values);
}

TEST(MtlStep, ChangesNothingWhereALossIsNotFinite) {
  TwoTasks p;
  MtlTrainer trainer(p.settings, p.parameters);
  MtlBatch broken = p.batch;
  broken.x.at(0, 0) = std::numeric_limits<double>::infinity();
  broken.target[0].at(0, 0) = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(trainer.step(broken).finite);
  EXPECT_EQ(trainer.raw_weights(), p.settings.weights.initial);
  for (const auto& [name, value] : trainer.parameters().by_name) {
    EXPECT_EQ(value.values, p.parameters.at(name).values) << name;
  }
}

TEST(MtlStep, RefusesWeightsThatDoNotFitTheTasks) {
  TwoTasks p;
  p.settings.weights.initial = {1.0};
  EXPECT_THROW(MtlTrainer(p.settings, p.parameters), std::invalid_argument);
}

}  // namespace
}  // namespace equipoise::reference
