// tests/host/config/network_config_test.cpp - how the words of multi-task networks, VAE-GAN and several balancers reach
// the plan.
#include <gtest/gtest.h>

#include "engine/systems/mtl/mtl_system.h"
#include "engine/systems/vaegan/vaegan_system.h"
#include "host/config/model_config.h"
#include "tests/host/temporary_folder.h"

namespace equipoise::test {
namespace {

using testing::refusal;
using testing::TemporaryFolder;

class NetworkConfig : public ::testing::Test {
 protected:
  NetworkConfig() {
    data_.rows = 6;
    data_.features = {3};
    data_.label.assign(6, -1);
    data_.tasks = {{"stay", &regression(), 0, 2}, {"died", &binary(), 2, 1}};
  }
  Config load(const std::string& text, const std::vector<std::string>& settings) const {
    return load_config(folder_.write("c.toml", text), settings);
  }
  TrainingPlan mtl_plan(const std::vector<std::string>& settings) const {
    return training_plan(load("[data]\nviews = [\"a.csv\"]\ntasks = [\"regression:stay,cost\", \"binary:died\"]\n"
                              "[model]\nkind = \"mtl\"\n",
                              settings),
                         data_, split_);
  }
  TrainingPlan vaegan_plan(const std::vector<std::string>& settings) const {
    return training_plan(load("[data]\nviews = [\"a.csv\"]\n[model]\nkind = \"vaegan\"\n", settings), data_, split_);
  }

  TemporaryFolder folder_;
  Dataset data_;
  Split split_{{0, 1, 2, 3}, {4, 5}, {}};
};

TEST_F(NetworkConfig, GivesAMultiTaskNetworkItsLayersAndTheDatasTasks) {
  const TrainingPlan plan =
      mtl_plan({"model.trunk=[7, 5]", "model.tower=[4]", "model.dropout=0.25", "model.activation=tanh"});
  const MtlModel& m = mtl(plan.setup);
  EXPECT_EQ(m.features, 3);
  EXPECT_EQ(m.trunk, (std::vector<int>{7, 5}));
  EXPECT_EQ(m.tower, std::vector<int>{4});
  EXPECT_EQ(m.dropout, 0.25);
  EXPECT_EQ(m.activation, Activation::tanh);
  EXPECT_EQ(m.names, MtlNames::towers);
  ASSERT_EQ(m.tasks.size(), 2u);
  EXPECT_EQ(answers_of(m.tasks[0]), 2);
  EXPECT_EQ(m.tasks[1].name, "died");
  EXPECT_EQ(plan.monitor, Monitor::none);
  EXPECT_EQ(plan.batch, 4) << "no more than the rows that train";
  EXPECT_EQ(mtl(mtl_plan({"model.variant=trunk"}).setup).names, MtlNames::trunk);
}

TEST_F(NetworkConfig, TakesTheMeanOfLossesForTowersAndTheirSumForATrunk) {
  EXPECT_EQ(mtl_plan({}).setup.loss_scale, 0.5);
  EXPECT_EQ(mtl_plan({"model.variant=trunk"}).setup.loss_scale, 1.0);
}

TEST_F(NetworkConfig, BalancesAMultiTaskNetworkWhereItIsTold) {
  const BalanceSetup usual = mtl_plan({}).setup.balance.at(0);
  EXPECT_EQ(usual.over, "last_trunk_weight");
  EXPECT_EQ(usual.methods.at(0).renormalise, Normalise::in_loss);
  const BalanceSetup latent = mtl_plan({"balance.at=latent", "balance.sum_rows=true"}).setup.balance.at(0);
  EXPECT_EQ(latent.at, "latent");
  EXPECT_TRUE(latent.sum_rows);
  EXPECT_CONTAINS(refusal(ExitCode::usage, [&] { mtl_plan({"balance.over=[\"fc1.weight\"]"}); }),
                  "no parameter 'fc1.weight'; it has sharedlayer.0.weight");
}

TEST_F(NetworkConfig, GivesAVaeGanItsNetworksAndTheSharesOfItsLosses) {
  data_.classes = 2;
  const TrainingPlan plan =
      vaegan_plan({"model.latent=4", "model.encoder=[9, 8]", "model.decoder=[7]", "model.discriminator=[6, 5]",
                   "model.feature_layer=2", "model.gamma=0.3", "model.lambda=2", "model.activation=sigmoid",
                   "model.output_activation=tanh", "optimizer.momentum=0.5", "optimizer.smoothing=0.75"});
  const VaeganModel& m = vaegan(plan.setup);
  EXPECT_EQ(m.features, 3);
  EXPECT_EQ(m.labels, 1) << "two classes are one yes or no";
  EXPECT_EQ(m.latent, 4);
  EXPECT_EQ(m.encoder, (std::vector<int>{9, 8}));
  EXPECT_EQ(m.decoder, std::vector<int>{7});
  EXPECT_EQ(m.discriminator, (std::vector<int>{6, 5}));
  EXPECT_EQ(m.feature_layer, 2);
  EXPECT_EQ(m.gamma, 0.3);
  EXPECT_EQ(m.lambda, 2);
  EXPECT_EQ(m.activation, Activation::sigmoid);
  EXPECT_EQ(m.output_activation, Activation::tanh);
  EXPECT_EQ(plan.setup.optimizer, OptimizerKind::rmsprop);
  EXPECT_EQ(plan.setup.settings.momentum, 0.5);
  EXPECT_EQ(plan.setup.settings.smoothing, 0.75);
  data_.classes = 3;
  EXPECT_EQ(vaegan(vaegan_plan({}).setup).labels, 3);
  data_.classes = 0;
  EXPECT_EQ(vaegan(vaegan_plan({}).setup).labels, 0);
}

TEST_F(NetworkConfig, StepsByTheOptimizerNamed) {
  EXPECT_EQ(mtl_plan({}).setup.optimizer, OptimizerKind::adam);
  EXPECT_EQ(mtl_plan({"optimizer.kind=sgd"}).setup.optimizer, OptimizerKind::sgd);
  EXPECT_EQ(vaegan_plan({"optimizer.kind=adam"}).setup.optimizer, OptimizerKind::adam);
}

TEST_F(NetworkConfig, PutsSeveralBalancersAtTheViewsTheyName) {
  data_.features = {3, 2};
  data_.classes = 2;
  data_.tasks.clear();
  data_.label = {0, 1, 0, 1, 0, 1};
  const Config config = load(
      "[data]\nviews = [\"a.csv\", \"b.csv\"]\n[[balance]]\nmethods = [\"mgda\"]\nat = \"latent1\"\n"
      "[[balance]]\nmethods = [\"uw\", \"nsgd\"]\nat = \"latent2\"\nsum_rows = true\nrescale = true\n",
      {});
  const std::vector<BalanceSetup> balance = training_plan(config, data_, split_).setup.balance;
  ASSERT_EQ(balance.size(), 2u);
  EXPECT_EQ(balance[0].at, "latent1");
  EXPECT_EQ(balance[0].methods.at(0).kind, MethodKind::mgda);
  EXPECT_FALSE(balance[0].sum_rows || balance[0].rescale);
  EXPECT_EQ(balance[1].at, "latent2");
  EXPECT_EQ(balance[1].methods.at(1).kind, MethodKind::nsgd);
  EXPECT_TRUE(balance[1].sum_rows && balance[1].rescale);
}

}  // namespace
}  // namespace equipoise::test
