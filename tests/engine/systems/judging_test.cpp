// tests/engine/systems/judging_test.cpp - what systems make of answers and labels, on rows worked out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/systems/evaluation.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/mtl/mtl_system.h"
#include "engine/systems/vaegan/vaegan_system.h"

namespace equipoise::test {
namespace {

/// Scores of the second of two classes, beside zeros.
std::vector<float> as_logits(const std::vector<float>& scores) {
  std::vector<float> logits;
  for (const float score : scores) logits.insert(logits.end(), {0.0f, score});
  return logits;
}

// Four patients with the disease score 2, 1, 1/2 and -1, five without it 3, 3/2, 1/4, -2 and -3. A score above zero is
// a probability above one half: 3 of 4 are found, 2 of 5 cleared; of 20 pairs 4 + 3 + 3 + 2 are in order.
TEST(MldrlJudges, SensitivityByTheIllAndSpecificityByTheHealthy) {
  equipoise::Setup setup = mldrl_setup("paper");
  mldrl(setup).losses = {kClassification};
  Dataset data;
  data.rows = 11;
  data.label = {0, 0, 0, 1, 0, 1, 1, -1, 1, 0, 1};  // row 10 is not asked
  const std::vector<int> rows{3, 5, 6, 8, 0, 1, 2, 4, 9, 7};
  const std::vector<std::vector<float>> outputs{as_logits({2, 1, 0.5f, -1, 3, 1.5f, 0.25f, -2, -3, 9})};
  Evaluation e;
  setup.system->judge({data, rows, outputs}, e);
  EXPECT_EQ(e.labelled, 9);
  EXPECT_DOUBLE_EQ(e.figure("sensitivity"), 3.0 / 4);
  EXPECT_DOUBLE_EQ(e.figure("specificity"), 2.0 / 5);
  EXPECT_DOUBLE_EQ(e.figure("accuracy"), 5.0 / 9);
  EXPECT_DOUBLE_EQ(e.figure("auc"), 12.0 / 20);
  EXPECT_NEAR(e.answers[1], 1 / (1 + std::exp(-2.0)), 1e-12);  // of the first row asked
}

// The same patients called ill from a probability of 0.7 on, that is from a score of log(7/3) = 0.85 on: 2 of 4 are
// found, 3 of 5 cleared.
TEST(MldrlJudges, AtTheThresholdThatItIsTold) {
  equipoise::Setup setup = mldrl_setup("paper");
  mldrl(setup).losses = {kClassification};
  Dataset data;
  data.rows = 9;
  data.label = {1, 1, 1, 1, 0, 0, 0, 0, 0};
  const std::vector<int> rows{0, 1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<std::vector<float>> outputs{as_logits({2, 1, 0.5f, -1, 3, 1.5f, 0.25f, -2, -3})};
  const std::vector<double> thresholds{0.7};
  Evaluation e;
  setup.system->judge({data, rows, outputs, thresholds}, e);
  EXPECT_DOUBLE_EQ(e.figure("sensitivity"), 2.0 / 4);
  EXPECT_DOUBLE_EQ(e.figure("specificity"), 3.0 / 5);
  EXPECT_DOUBLE_EQ(e.figure("accuracy"), 5.0 / 9);
  EXPECT_DOUBLE_EQ(e.figure("auc"), 12.0 / 20);
}

// A regression of one number, then two tasks of classes: the second threshold is that of the second decision.
TEST(MtlJudges, EachTaskOfClassesAtItsOwnThreshold) {
  equipoise::Setup setup = mtl_setup("towers");
  auto& model = of_kind<MtlSystem>(*setup.system).model;
  model.tasks = {{"stay", &regression(), 0, 1, 0}, {"died", &binary(), 1, 1, 0}, {"ill", &multiclass(), 2, 1, 2}};
  Dataset data;
  data.rows = 2;
  data.target_cols = 3;
  data.targets = {0, 1, 1, 0, 0, 1};
  const std::vector<int> rows{0, 1};
  const float three = std::log(3.0f);  // a probability of 3/4; its negative of 1/4
  const std::vector<std::vector<float>> outputs{{0, three, 0, three, 0, -three, 0, -three}, {}};
  const auto accuracies = [&](std::vector<double> thresholds) {
    Evaluation e;
    setup.system->judge({data, rows, outputs, thresholds}, e);
    return std::pair(e.figure("died.accuracy"), e.figure("ill.accuracy"));
  };
  EXPECT_EQ(accuracies({}), std::pair(1.0, 0.5));
  EXPECT_EQ(accuracies({0.2, 0.2}), std::pair(0.5, 1.0));
  EXPECT_EQ(accuracies({0.8, 0.5}), std::pair(0.5, 0.5));
  const std::vector<std::string> labels;
  const std::vector<FittedTarget> fitted{{&regression(), {"stay"}, {0}, {1}, {}},
                                         {&binary(), {"died"}, {}, {}, {"no", "yes"}},
                                         {&multiclass(), {"ill"}, {}, {}, {"a", "b"}}};
  const std::vector<Decision> decisions = setup.system->decisions({labels, fitted});
  ASSERT_EQ(decisions.size(), 2u);
  EXPECT_EQ(decisions[1].name, "decision_ill");
  EXPECT_EQ(decisions[1].first, 3u);
  EXPECT_EQ(decisions[1].target, 2);
}

TEST(MldrlJudges, EachViewByItsOwnErrorAndTheRestByTheCrossedOnes) {
  equipoise::Setup setup = mldrl_setup("paper");
  mldrl(setup).losses = {kReconstruction};
  mldrl(setup).features = {2, 1, 1};
  Dataset data;
  data.rows = 2;
  data.label = {-1, -1};
  data.features = {2, 1, 1};
  data.views = {{0, 0, 1, 1}, {5, 5}, {-1, 2}};
  const std::vector<int> rows{1, 0};
  // Means of three views, then what their decoders say of rows 1 and 0: errors 0 1 2 1, 1 0 and 0 4.
  const std::vector<std::vector<float>> outputs{{}, {}, {}, {1, 2, 2, 1}, {6, 5}, {2, 3}};
  Evaluation e;
  e.terms = {5.5, 2.5, 9};
  setup.system->judge({data, rows, outputs}, e);
  ASSERT_EQ(e.figures.size(), 2u);
  EXPECT_EQ(e.figures[0].name, "reconstruction_error");
  EXPECT_EQ(e.figures[0].values, (std::vector<double>{6.0 / 4, 1.0 / 2, 16.0 / 2}));
  EXPECT_EQ(e.figures[1].name, "crossed_error");
  EXPECT_EQ(e.figures[1].values, (std::vector<double>{4.0 / 2, 2.0 / 2, 1.0 / 2}));  // two of each view
}

TEST(SystemsSelect, BySumsOfLossesTimesWeightsOfTasksWithRows) {
  Evaluation e;
  e.losses = {3, 0.5, 7};
  e.counts = {4, 9, 0};
  const std::vector<double> weights{0.5, 8, 100};
  const Dataset none;
  Monitored by{.monitor = Monitor::loss, .weights = weights, .data = none, .rows = {}};
  for (const equipoise::Setup& setup : {mldrl_setup("paper"), mtl_setup("towers")})
    EXPECT_DOUBLE_EQ(setup.system->watched(e, by), -5.5) << setup.system->kind();
  by.task = 1;
  EXPECT_DOUBLE_EQ(mtl_setup("towers").system->watched(e, by), -4) << "of one task";
  by.task = -1;
  e.losses[1] = std::nan("");
  EXPECT_TRUE(std::isnan(mtl_setup("towers").system->watched(e, by))) << "a collapsed loss is no small one";
}

TEST(MtlSelects, ByMeansOfAucsAndOfDeviancesOverTasks) {
  equipoise::Setup setup = mtl_setup("towers");
  of_kind<MtlSystem>(*setup.system).model.tasks = {
      {"stay", &regression(), 0, 1, 0}, {"died", &binary(), 1, 1, 0}, {"ill", &multiclass(), 2, 1, 2}};
  Dataset data;
  data.target_cols = 3;
  data.targets = {1, 0, 1};
  const std::vector<int> rows{0};
  Evaluation e;
  e.figures = {{"stay.r2", {0.9}}, {"died.auc", {0.75}}, {"ill.auc", {0.5}}};
  e.losses = {3, 0.5, 0.25};
  e.counts = {4, 9, 2};
  const auto watched = [&](Monitor monitor, int task = -1) {
    return setup.system->watched(e, {.monitor = monitor, .task = task, .data = data, .rows = rows});
  };
  EXPECT_DOUBLE_EQ(watched(Monitor::auc), (0.75 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(watched(Monitor::auc, 2), 0.5);
  // A squared error, and twice a cross-entropy each.
  EXPECT_DOUBLE_EQ(watched(Monitor::deviance), -(3 + 2 * 0.5 + 2 * 0.25) / 3);
  EXPECT_DOUBLE_EQ(watched(Monitor::deviance, 1), -1.0);
  e.counts[1] = 0;
  e.losses[1] = e.figures[1].values[0] = std::nan("");
  EXPECT_DOUBLE_EQ(watched(Monitor::auc), 0.5) << "of the tasks that have one";
  EXPECT_DOUBLE_EQ(watched(Monitor::deviance), -(3 + 2 * 0.25) / 2);
  e.figures[2].values[0] = std::nan("");
  EXPECT_TRUE(std::isnan(watched(Monitor::auc)));
}

TEST(VaeganJudges, ReconstructionByItsErrorAndTheDiscriminatorByItsBelief) {
  equipoise::Setup setup = vaegan_setup();
  vaegan(setup).features = vaegan(setup).latent = 2;
  Dataset data;
  data.rows = 3;
  data.features = {2};
  data.views = {{1, 2, 50, 60, 3, 4}};
  data.label = {1, 0, -1};
  const std::vector<int> rows{2, 0};
  const float three = std::log(3.0f);  // odds of three to one: a probability of 3/4
  const std::vector<std::vector<float>> outputs{{4, 6, 1, -1}, {11, 12, 13, 14}, {three, 0, -three, 0, three, -three}};
  Evaluation e;
  setup.system->judge({data, rows, outputs}, e);
  EXPECT_EQ(e.labelled, 1);
  EXPECT_EQ(e.answer_cols, 4);  // two latents, the error of the row's reconstruction, the belief in the row itself
  const std::vector<double> answers{11, 12, (1 + 4) / 2.0, 0.75, 13, 14, (0 + 9) / 2.0, 0.5};
  ASSERT_EQ(e.answers.size(), answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_NEAR(e.answers[i], answers[i], 1e-7) << i;
  EXPECT_DOUBLE_EQ(e.figure("reconstruction_error"), (1 + 4 + 0 + 9) / 4.0);
  ASSERT_EQ(e.figures[1].name, "discriminator_real");
  const std::vector<double> belief{0.625, 0.625, 0.25};  // of original, reconstructed and sampled rows
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(e.figures[1].values[i], belief[i], 1e-7) << i;
  e.losses = {1, 2, 3, 4, 5};
  EXPECT_DOUBLE_EQ(setup.system->watched(e, {.monitor = Monitor::loss, .data = data, .rows = rows}), -3.5);
}

/// Columns of auxiliary labels, -1 where there is none.
std::vector<float> auxiliary_labels(const Dataset& data, int columns) {
  equipoise::Setup setup = vaegan_setup();
  setup.system->take_sizes(data, setup);
  EXPECT_EQ(vaegan(setup).labels, columns);
  RunTables::Values labels = setup.system->sources(data)[1];
  EXPECT_EQ(labels.cols, columns);
  for (float& label : labels.values)
    if (std::isnan(label)) label = -1;
  return labels.values;
}

TEST(VaeganLabels, AreOneForTheSecondOfTwoClassesAndForItsOwnColumnOfSeveral) {
  Dataset data;
  data.rows = 4;
  data.features = {1};
  data.views = {{1, 2, 3, 4}};
  data.label = {0, 1, -1, 1};
  data.classes = 2;
  EXPECT_EQ(auxiliary_labels(data, 1), (std::vector<float>{0, 1, -1, 1}));
  data.label = {2, 0, -1, 1};
  data.classes = 3;
  EXPECT_EQ(auxiliary_labels(data, 3), (std::vector<float>{0, 0, 1, 1, 0, 0, -1, -1, -1, 0, 1, 0}));
}

}  // namespace
}  // namespace equipoise::test
