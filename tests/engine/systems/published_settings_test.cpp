// tests/engine/systems/published_settings_test.cpp - numbers of multi-task networks as their publications state them.
#include <gtest/gtest.h>

#include "engine/systems/mtl/mtl_system.h"

namespace equipoise::test {
namespace {

Defaults defaults_of(const char* variant, const char* source) {
  return mtl_setup(variant).system->defaults({.variant = variant, .source = source});
}

const Method& published_method(const equipoise::Setup& setup) {
  EXPECT_EQ(setup.balance.size(), 1u);
  EXPECT_EQ(setup.balance[0].methods.size(), 1u);
  EXPECT_EQ(setup.balance[0].methods[0].kind, MethodKind::gradnorm);
  EXPECT_EQ(setup.balance[0].over, "last_trunk_weight");
  return setup.balance[0].methods[0];
}

// Of the public implementation of GradNorm: one shared layer of 64, towers of 32 and 16, half of the units left out.
TEST(PublishedTowers, HaveTheNumbersOfThePublicImplementation) {
  const Defaults d = defaults_of("towers", "gradnorm-towers");
  const MtlModel& m = mtl(d.setup);
  EXPECT_EQ(m.trunk, std::vector<int>{64});
  EXPECT_EQ(m.tower, (std::vector<int>{32, 16}));
  EXPECT_EQ(m.activation, Activation::relu);
  EXPECT_EQ(m.dropout, 0.5);
  EXPECT_EQ(d.setup.optimizer, OptimizerKind::adam);
  EXPECT_EQ(d.setup.settings.lr, 1e-3);
  EXPECT_EQ(d.setup.settings.task_lr, 1e-3);
  EXPECT_EQ(d.setup.settings.alpha, 0.16);
  for (int k = 0; k < 2; ++k) EXPECT_EQ(d.setup.settings.initial_weights[k], 1.0);
  const Method& gradnorm = published_method(d.setup);
  EXPECT_EQ(gradnorm.loss_ratio, LossRatio::weighted);
  EXPECT_EQ(gradnorm.renormalise, Normalise::in_loss);
  EXPECT_EQ(gradnorm.restart, 0);
  EXPECT_EQ(gradnorm.network, 1);
  EXPECT_EQ(d.epochs, 50);
  EXPECT_EQ(d.batch, 100);
  EXPECT_EQ(d.monitor, Monitor::none);
  EXPECT_EQ(d.source, "gradnorm-towers");
  EXPECT_EQ(d.generated.features, 100);
  EXPECT_EQ(d.validation, 0.1);
  EXPECT_EQ(d.test, 0.1);
}

// Of the paper's toy example: four layers of 100, a linear head for each of ten tasks, alpha 0.12; 250 inputs.
TEST(PublishedTrunk, HasTheNumbersOfThePaperAndItsPublicImplementation) {
  const Defaults d = defaults_of("trunk", "gradnorm-toy");
  const MtlModel& m = mtl(d.setup);
  EXPECT_EQ(m.trunk, (std::vector<int>{100, 100, 100, 100}));
  EXPECT_TRUE(m.tower.empty());
  EXPECT_EQ(m.activation, Activation::relu);
  EXPECT_EQ(m.dropout, 0.0);
  EXPECT_EQ(d.setup.optimizer, OptimizerKind::adam);
  EXPECT_EQ(d.setup.settings.lr, 1e-5);
  EXPECT_EQ(d.setup.settings.task_lr, 5e-4);
  EXPECT_EQ(d.setup.settings.alpha, 0.12);
  for (int k = 0; k < 10; ++k) EXPECT_EQ(d.setup.settings.initial_weights[k], 1.0);
  const Method& gradnorm = published_method(d.setup);
  EXPECT_EQ(gradnorm.loss_ratio, LossRatio::raw);
  EXPECT_EQ(gradnorm.renormalise, Normalise::after_step);
  EXPECT_EQ(gradnorm.restart, 1);
  EXPECT_EQ(gradnorm.network, 1);
  EXPECT_EQ(d.epochs, 250);
  EXPECT_EQ(d.batch, 100);
  EXPECT_EQ(d.monitor, Monitor::none);
  EXPECT_EQ(d.source, "gradnorm-toy");
  EXPECT_EQ(d.generated.features, 250);
  EXPECT_EQ(d.generated.sigmas, (std::vector<double>{48, 3, 54, 16, 9, 30, 52, 26, 47, 81}));
  EXPECT_EQ(d.validation, 0.0);
  EXPECT_EQ(d.test, 0.0);
}

TEST(OwnTables, TrainTheNetworkWithoutTheGradNormLoss) {
  for (const char* variant : {"towers", "trunk"}) {
    const Defaults d = defaults_of(variant, "tables");
    EXPECT_EQ(published_method(d.setup).network, 0) << variant;
    EXPECT_EQ(d.source, "tables");
    EXPECT_EQ(d.validation, 0.2);
    EXPECT_EQ(d.test, 0.2);
  }
}

// The towers' program minimises the mean of its two weighted losses, the paper's toy example their sum.
TEST(PublishedTowers, TrainOnTheMeanOfTheirLossesAndTheTrunkOnTheSum) {
  Dataset data;
  data.features = {7};
  for (const char* name : {"a", "b", "c", "d"}) data.tasks.push_back({.name = name, .likelihood = &regression()});
  equipoise::Setup towers = mtl_setup("towers"), trunk = mtl_setup("trunk");
  towers.system->take_sizes(data, towers);
  trunk.system->take_sizes(data, trunk);
  EXPECT_EQ(towers.loss_scale, 0.25);
  EXPECT_EQ(trunk.loss_scale, 1.0);
  EXPECT_EQ(mtl(trunk).features, 7);
  EXPECT_EQ(mtl(trunk).tasks.size(), 4u);
}

}  // namespace
}  // namespace equipoise::test
