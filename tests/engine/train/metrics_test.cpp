// tests/engine/train/metrics_test.cpp - an epoch's line by hand: of what each of its numbers is a mean.
#include "engine/train/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"

namespace equipoise::test {
namespace {

using nlohmann::json;

/// Two tasks of three terms, four steps of an epoch.
class EpochLine : public testing::Test {
 protected:
  EpochLine() {
    program.task_names = {"a", "b"};
    program.term_names = {"p", "q", "r"};
    program.chains.resize(1);
    program.measured = {true};
    control.epoch = 3;
    control.step = 12;
    control.skipped = 1;
    control.sum_steps = 4;
    control.sum_gradient_norm = 10;
    fill(control.sum_terms, {6, 8, 5});
    fill(control.sum_term_rows, {3, 16, 10});
    fill(control.sum_losses, {21, 4});
    fill(control.sum_task_rows, {7, 16});
    fill(control.weights, {0.25, 1.75});
    fill(control.shared_weights, {0.5, 1.5});
    fill(control.private_weights, {9, 9});
    fill(control.sum_norms, {2, 6});
    fill(control.sum_gram, {16, -12, -12, 36});
    control.sum_step_norm[0] = 14;
    control.worst_certificate[0] = 1e-13;
  }
  template <class Array>
  static void fill(Array& to, std::initializer_list<double> values) {
    std::copy(values.begin(), values.end(), to);
  }
  json line() const { return json::parse(to_json_line(program, epoch_metrics(program, control), true)); }

  Program program;
  Control control{};
};

TEST_F(EpochLine, CountsEpochsAndSteps) {
  EXPECT_EQ(line()["epoch"], 3);
  EXPECT_EQ(line()["step"], 12);
  EXPECT_EQ(line()["skipped"], 1);
}

TEST_F(EpochLine, HasMeansByRowsOfEachTermAndTask) {
  EXPECT_EQ(line()["train"]["terms"], (json{{"p", 2.0}, {"q", 0.5}, {"r", 0.5}}));
  EXPECT_EQ(line()["train"]["losses"], (json{{"a", 3.0}, {"b", 0.25}}));
}

TEST_F(EpochLine, TellsTheLastStepsWeightsAndTheNextOnes) {
  EXPECT_EQ(line()["task_weights"], (json{{"a", 0.5}, {"b", 1.5}}));
  EXPECT_EQ(line()["next_task_weights"], (json{{"a", 0.25}, {"b", 1.75}}));
}

TEST_F(EpochLine, HasMeansBySteps) {
  EXPECT_EQ(line()["gradient_norm"], 2.5);
  EXPECT_EQ(line()["gradient_norms"], (json{{"a", 0.5}, {"b", 1.5}}));
  EXPECT_EQ(line()["gram"], (json{{4.0, -3.0}, {-3.0, 9.0}}));
  EXPECT_EQ(line()["step_norm"], 3.5);
}

// Squared lengths 4 and 9, product -3: a cosine of -3 / (2 * 3).
TEST_F(EpochLine, HasCosinesOfTheMeanGramMatrixAndNoneOfAVanishedGradient) {
  EXPECT_EQ(line()["cosines"], (json{{1.0, -0.5}, {-0.5, 1.0}}));
  control.sum_gram[0] = control.sum_gram[1] = control.sum_gram[2] = 0;
  const json none = line()["cosines"];
  EXPECT_TRUE(none[0][0].is_null());
  EXPECT_TRUE(none[0][1].is_null());
  EXPECT_EQ(none[1][1], 1.0);
  EXPECT_EQ(line()["vanished_gradients"], json{"a"});
}

TEST_F(EpochLine, HasTheWorstCertificateOrNone) {
  EXPECT_EQ(line()["certificate"], 1e-13);
  control.worst_certificate[0] = 0;
  EXPECT_EQ(line()["certificate"], 0.0);
  control.worst_certificate[0] = kNoCertificate;
  EXPECT_TRUE(line()["certificate"].is_null());
}

TEST_F(EpochLine, IsUndefinedWhereNothingWasCounted) {
  control.sum_steps = control.sum_task_rows[1] = control.sum_term_rows[0] = 0;
  EXPECT_TRUE(line()["train"]["terms"]["p"].is_null());
  EXPECT_TRUE(line()["train"]["losses"]["b"].is_null());
  EXPECT_TRUE(line()["gradient_norm"].is_null());
  EXPECT_TRUE(line()["gram"][0][0].is_null());
}

TEST_F(EpochLine, TellsOfFurtherBalancersTheirOwn) {
  program.chains.resize(2);
  program.measured = {true, true};
  fill(control.weights, {1, 2, 3, 4});
  fill(control.shared_weights, {5, 6, 7, 8});
  fill(control.sum_norms, {4, 8, 12, 16});
  fill(control.sum_gram, {16, 0, 0, 36, 4, 8, 8, 64});
  fill(control.sum_step_norm, {14, 18});
  fill(control.worst_certificate, {kNoCertificate, 0.5});
  const json all = line();
  EXPECT_EQ(all["task_weights"], (json{{"a", 5.0}, {"b", 6.0}}));
  ASSERT_EQ(all["further_balancers"].size(), 1u);
  const json& second = all["further_balancers"][0];
  EXPECT_EQ(second["task_weights"], (json{{"a", 7.0}, {"b", 8.0}}));
  EXPECT_EQ(second["next_task_weights"], (json{{"a", 3.0}, {"b", 4.0}}));
  EXPECT_EQ(second["gradient_norms"], (json{{"a", 3.0}, {"b", 4.0}}));
  EXPECT_EQ(second["gram"], (json{{1.0, 2.0}, {2.0, 16.0}}));
  EXPECT_EQ(second["cosines"], (json{{1.0, 0.5}, {0.5, 1.0}}));
  EXPECT_EQ(second["step_norm"], 4.5);
  EXPECT_EQ(second["certificate"], 0.5);
}

TEST_F(EpochLine, HasValidationOnlyWhereThereWasOne) {
  EXPECT_FALSE(line().contains("validation"));
  EXPECT_FALSE(line().contains("best"));
  EpochMetrics m = epoch_metrics(program, control);
  m.validated = m.best = true;
  m.validation.losses = {1, 2};
  m.validation.terms = {3, 4, 5};
  m.validation.figures = {{"auc", {0.75}}, {"errors", {0.5, 0.25}}};
  m.seconds = 1.5;
  const json got = json::parse(to_json_line(program, m, true));
  EXPECT_EQ(got["validation"]["losses"], (json{{"a", 1.0}, {"b", 2.0}}));
  EXPECT_EQ(got["validation"]["terms"], (json{{"p", 3.0}, {"q", 4.0}, {"r", 5.0}}));
  EXPECT_EQ(got["validation"]["auc"], 0.75);
  EXPECT_EQ(got["validation"]["errors"], (json{0.5, 0.25}));
  EXPECT_EQ(got["best"], true);
  EXPECT_EQ(got["seconds"], 1.5);
}

TEST_F(EpochLine, LosesItsTimeAndNothingElseForHashes) {
  EpochMetrics m = epoch_metrics(program, control);
  m.seconds = 1.5;
  EXPECT_EQ(without_time(to_json_line(program, m, true)), to_json_line(program, m, false));
  EXPECT_FALSE(json::parse(to_json_line(program, m, false)).contains("seconds"));
  EXPECT_THROW(without_time("[1, 2]"), Error);
  EXPECT_THROW(without_time("{\"epoch\": 1"), Error);
}

}  // namespace
}  // namespace equipoise::test
