// tests/host/model_config_test.cpp - a config's words reach the plan, and what data cannot give is refused.
#include "host/model_config.h"

#include <gtest/gtest.h>

#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;

Config config_of(const std::string& variant = "paper", const std::vector<std::string>& settings = {}) {
  const testing::TemporaryFolder folder;
  auto all = settings;
  all.insert(all.begin(), "model.variant=" + variant);
  return load_config(folder.write("c.toml", "[data]\nviews = [\"a.csv\", \"b.csv\"]\n"), all);
}

/// Six rows of 3 and 2 columns; the first four train (labels 0, 0, 0, 1), the rest validate.
struct Small {
  Dataset data;
  Split split{{0, 1, 2, 3}, {4, 5}, {}};

  explicit Small(std::vector<int> label = {0, 0, 0, 1, 0, 1}, int classes = 2) {
    data.rows = 6;
    data.classes = classes;
    data.features = {3, 2};
    data.label = std::move(label);
  }
  TrainingPlan plan(const Config& config) const { return training_plan(config, data, split); }
};

TEST(TrainingPlanOfAConfig, TakesSizesFromTheDataAndTheRestFromTheConfig) {
  const TrainingPlan plan = Small().plan(
      config_of("paper", {"model.hidden=7", "model.shared=5", "model.specific=3", "model.output_activation=tanh",
                          "train.epochs=9", "train.batch=2", "train.patience=4", "train.monitor=loss", "train.seed=77",
                          "train.on_nonfinite=skip", "optimizer.lr=0.5", "optimizer.beta1=0.8", "optimizer.beta2=0.7",
                          "optimizer.eps=1e-6", "optimizer.weight_decay=0.1", "optimizer.clip_norm=3",
                          "balance.alpha=0.4", "balance.initial_weights=[1, 2, 3]"}));
  const MldrlModel& m = plan.setup.model;
  EXPECT_EQ(m.features1, 3);
  EXPECT_EQ(m.features2, 2);
  EXPECT_EQ(m.classes, 2);
  EXPECT_EQ(m.hidden, 7);
  EXPECT_EQ(m.shared, 5);
  EXPECT_EQ(m.specific, 3);
  EXPECT_EQ(m.output_activation, Activation::tanh);
  EXPECT_EQ(plan.epochs, 9);
  EXPECT_EQ(plan.batch, 2);
  EXPECT_EQ(plan.patience, 4);
  EXPECT_EQ(plan.monitor, Monitor::loss);
  const Settings& s = plan.setup.settings;
  EXPECT_EQ(s.seed, 77u);
  EXPECT_EQ(s.on_nonfinite, OnNonfinite::skip);
  EXPECT_EQ(s.lr, 0.5);
  EXPECT_EQ(s.task_lr, 0.5);  // the optimizer's, unless balance.lr is given
  EXPECT_EQ(s.beta1, 0.8);
  EXPECT_EQ(s.beta2, 0.7);
  EXPECT_EQ(s.eps, 1e-6);
  EXPECT_EQ(s.weight_decay, 0.1);
  EXPECT_EQ(s.clip_norm, 3);
  EXPECT_EQ(s.alpha, 0.4);
  EXPECT_EQ(std::vector<double>(s.initial_weights, s.initial_weights + 3), (std::vector<double>{1, 2, 3}));
}

TEST(TrainingPlanOfAConfig, KeepsTheVariantsChoicesThatNoKeyOverrules) {
  const MldrlSetup paper = Small().plan(config_of("paper")).setup, code = Small().plan(config_of("code")).setup;
  EXPECT_TRUE(paper.model.ratio);
  EXPECT_FALSE(paper.model.softmax_twice);
  EXPECT_EQ(paper.over, "heads");
  EXPECT_EQ(paper.loss_scale, 1.0);
  EXPECT_FALSE(code.model.ratio);
  EXPECT_TRUE(code.model.softmax_twice);
  EXPECT_TRUE(code.model.crossed1_specific_first);
  EXPECT_EQ(code.over, "head_biases_mean");
  EXPECT_EQ(code.model.output_activation, Activation::relu);
  EXPECT_EQ(code.loss_scale, 1.0 / 3.0);
  EXPECT_TRUE(Small().plan(config_of("code", {"model.inherent_variational=ratio"})).setup.model.ratio);
}

TEST(TrainingPlanOfAConfig, ReadsBalancing) {
  EXPECT_TRUE(Small().plan(config_of()).setup.gradnorm);
  EXPECT_FALSE(Small().plan(config_of("paper", {"balance.methods=[\"identity\"]"})).setup.gradnorm);
  EXPECT_EQ(Small().plan(config_of("paper", {"balance.lr=0.25"})).setup.settings.task_lr, 0.25);
  const auto over =
      Small().plan(config_of("paper", {"balance.over=[\"_enc_mu.weight\", \"_enc_mu.bias\"]"})).setup.over;
  EXPECT_EQ(over, "_enc_mu.weight _enc_mu.bias");
  EXPECT_CONTAINS(refusal(ExitCode::usage, [] { Small().plan(config_of("paper", {"balance.over=[\"_enc_mux\"]"})); }),
                  "'_enc_mux'");
}

TEST(TrainingPlanOfAConfig, NeverStopsEarlyWithoutValidationRows) {
  Small all;
  all.split = {{0, 1, 2, 3, 4, 5}, {}, {}};
  EXPECT_EQ(all.plan(config_of()).patience, 0);
}

TEST(TrainingPlanOfAConfig, WithoutLabelsHasTwoClassesAndMustWatchTheLoss) {
  const Small unlabelled({-1, -1, -1, -1, -1, -1}, 0);
  EXPECT_CONTAINS(refusal(ExitCode::usage, [&] { unlabelled.plan(config_of()); }), "set monitor = \"loss\"");
  EXPECT_EQ(unlabelled.plan(config_of("paper", {"train.monitor=loss"})).setup.model.classes, 2);
}

TEST(ClassWeightsOfAConfig, AreOnesUnlessAsked) {
  EXPECT_EQ(Small().plan(config_of()).class_weights, (std::vector<float>{1, 1}));
  EXPECT_EQ(Small().plan(config_of("paper", {"train.class_weights=[2, 0.5]"})).class_weights,
            (std::vector<float>{2, 0.5}));
}

TEST(ClassWeightsOfAConfig, BalancedAreByTheTrainingRowsAlone) {
  // 4 labelled training rows, 2 classes: 4 / (2 * 3) and 4 / (2 * 1), whatever validates.
  const Small small({0, 0, 0, 1, 1, 1});
  EXPECT_EQ(small.plan(config_of("paper", {"train.class_weights=balanced"})).class_weights,
            (std::vector<float>{4.0f / 6.0f, 2.0f}));
  const Small partly({0, -1, 0, 1, 1, 1});  // an unlabelled row does not count: 3 / (2 * 2) and 3 / (2 * 1)
  EXPECT_EQ(partly.plan(config_of("paper", {"train.class_weights=balanced"})).class_weights,
            (std::vector<float>{0.75f, 1.5f}));
}

TEST(ClassWeightsOfAConfig, ThatDoNotFitTheClassesAreRefused) {
  EXPECT_CONTAINS(refusal(ExitCode::usage, [] { Small().plan(config_of("paper", {"train.class_weights=[1, 2, 3]"})); }),
                  "has 3 numbers but the data have 2 classes");
  EXPECT_CONTAINS(refusal(ExitCode::usage,
                          [] {
                            Small({0, 0, 0, 0, 0, 1}).plan(config_of("paper", {"train.class_weights=balanced"}));
                          }),
                  "class 1 has no labelled training row");
}

}  // namespace
}  // namespace equipoise
