// tests/host/run/outcome_test.cpp - what is said of trainings that learned nothing, diverged or left their steps out.
//
// What a training was like is written into its checkpoint: the sentences go by that and by the figures alone.
#include "host/run/outcome.h"

#include <gtest/gtest.h>

#include <limits>

#include "engine/train/checkpoint.h"
#include "host/config/model_config.h"
#include "host/run/prepared_data.h"
#include "tests/host/commands/demo_run.h"
#include "tests/host/commands/program_run.h"

namespace equipoise {
namespace {

using testing::kPbcseq, testing::TemporaryFolder;

class Outcome : public ::testing::Test {
 protected:
  Outcome() { trainer_.advance(1000); }

  static StoredTensor doubles(const std::vector<double>& values) {
    return StoredTensor::from_doubles({static_cast<int64_t>(values.size())}, values);
  }
  /// A training whose losses were these; 0 = no best epoch.
  void had(const std::vector<double>& totals, int best_epoch, const std::map<std::string, StoredTensor>& more = {}) {
    TensorFile file = trainer_.checkpoint();
    file.tensors["control.training_loss"] = doubles(totals);
    const auto epochs = static_cast<int32_t>(totals.size());
    file.tensors["control.epoch"] = StoredTensor::from_int32({1}, std::vector{epochs});
    file.tensors["control.step"] = StoredTensor::from_int64({1}, std::vector<int64_t>{epochs * 6});
    file.tensors["control.best"] = doubles({static_cast<double>(best_epoch), 0.7});
    for (const auto& [name, tensor] : more) file.tensors[name] = tensor;
    sign(file);
    trainer_.restore(file);
  }
  static Judged auc_of(double auc) {
    Judged judged;
    judged.train.figures = {{"auc", {auc}}};
    return judged;
  }
  std::vector<std::string> said(const Judged& judged = auc_of(0.9)) const { return warnings_of(trainer_, judged); }

  TemporaryFolder home_;
  Config config_ = load_config(home_.write("c.toml", testing::demo_config(kPbcseq)));
  PreparedData prepared_ = prepare_data(config_);
  std::unique_ptr<Executor> executor_ = make_cpu_executor(1);
  Trainer trainer_{prepared_.data, prepared_.split, training_plan(config_, prepared_.data, prepared_.split),
                   *executor_};
};

TEST_F(Outcome, OfATrainingThatLearnedIsSilent) {
  had({10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 9);
  EXPECT_TRUE(said().empty());
  had({10, 9, 8}, 2);
  EXPECT_TRUE(said().empty());
  had({10}, 1);
  EXPECT_TRUE(said().empty());
}

TEST_F(Outcome, OfAKeptEpochNoBetterThanTheFirstIsSaid) {
  had({10, 9, 11, 8}, 3);
  EXPECT_EQ(said(), (std::vector<std::string>{
                        "the model that is kept may be untrained: its training loss (11) is no better than that of the "
                        "first epoch (10); raise optimizer.lr, train.epochs or train.patience"}));
  had({10, 9, 11, 8}, 4);
  EXPECT_TRUE(said().empty());
}

TEST_F(Outcome, OfALossThatOnlyWaversIsSaid) {
  had({10, 9, 10, 9, 10, 9, 10, 9, 10, 9}, 4);
  ASSERT_EQ(said().size(), 1u);
  EXPECT_CONTAINS(said()[0], "in 10 epochs the training loss did not fall by more than its noise;");
}

TEST_F(Outcome, OfTheFirstEpochAsTheBestOfATrainingThatWentOnIsSaid) {
  had({10, 9, 8}, 1);
  ASSERT_EQ(said().size(), 1u);
  EXPECT_CONTAINS(said()[0], "its epoch is the first of 3, though the training loss fell from 10 to 8;");
}

TEST_F(Outcome, OfAModelThatDoesNotTellItsOwnTrainingRowsApartIsSaid) {
  had({10, 9, 8}, 2);
  EXPECT_TRUE(said(auc_of(0.6)).empty());
  ASSERT_EQ(said(auc_of(0.5999)).size(), 1u);
  EXPECT_CONTAINS(said(auc_of(0.53))[0], "its auc on the rows it was trained on is 0.5300; raise optimizer.lr");
  Judged of_task;
  of_task.train.figures = {{"died.auc", {0.4}}, {"stage.auc", {std::numeric_limits<double>::quiet_NaN()}}};
  EXPECT_CONTAINS(said(of_task)[0], "its died.auc on the rows it was trained on is 0.4000;");
}

TEST_F(Outcome, OfALossThatGrewBeyondAllMeasureIsSaid) {
  const std::vector<double> last = epoch_metrics(trainer_.program(), trainer_.control()).losses;
  std::vector<double> first = last;
  first[0] = last[0] / 101;
  had({10, 9, 8}, 2, {{"control.first_losses", doubles(first)}});
  ASSERT_EQ(said().size(), 1u);
  EXPECT_CONTAINS(said()[0], "training diverged: since the first epoch these losses grew: reconstruction from ");
  EXPECT_CONTAINS(said()[0], "; lower optimizer.lr, set optimizer.clip_norm");
  first[0] = last[0] / 99;
  had({10, 9, 8}, 2, {{"control.first_losses", doubles(first)}});
  EXPECT_TRUE(said().empty());
}

TEST_F(Outcome, OfATrainingThatLeftOutMostStepsIsSaid) {
  const auto skipped = [](int count) { return StoredTensor::from_int32({1}, std::vector{int32_t{count}}); };
  ASSERT_EQ(trainer_.control().step, 6) << "of an epoch";
  had({10, 9, 8}, 2, {{"control.skipped", skipped(9)}});
  EXPECT_TRUE(said().empty());
  had({10, 9, 8}, 2, {{"control.skipped", skipped(10)}});
  ASSERT_EQ(said().size(), 1u);
  EXPECT_CONTAINS(said()[0], "10 of 18 steps were left out because of a non-finite value");
}

TEST_F(Outcome, OfAClassThatNoValidationRowIsToldIsSaid) {
  had({10, 9, 8}, 2);
  Judged judged = auc_of(0.9);
  judged.validation.emplace();
  judged.validation->figures = {{"sensitivity", {0.01}}, {"specificity", {1.0}}};
  EXPECT_TRUE(said(judged).empty());
  judged.validation->figures[0].values[0] = 0;
  ASSERT_EQ(said(judged).size(), 1u);
  EXPECT_CONTAINS(said(judged)[0], "the sensitivity on the validation rows is 0: ");
  EXPECT_CONTAINS(said(judged)[0], "set train.class_weights = \"balanced\", or set evaluate.threshold = \"youden\"");
  judged.validation->figures = {{"sensitivity", {1.0}}, {"specificity", {0.0}}};
  EXPECT_CONTAINS(said(judged)[0], "the specificity on the validation rows is 0: ");
}

TEST_F(Outcome, OfParametersThatAreNotFiniteNamesTheFirst) {
  EXPECT_EQ(nonfinite_parameter(trainer_, trainer_.model()), "");
  TensorFile file = trainer_.checkpoint();
  std::vector<float> bias = file.at("fc1.bias").to_floats();
  bias.back() = std::numeric_limits<float>::infinity();
  const auto infinite = StoredTensor::from_floats({static_cast<int64_t>(bias.size())}, bias);
  TensorFile model = trainer_.model();
  model.tensors["fc1.bias"] = infinite;
  EXPECT_EQ(nonfinite_parameter(trainer_, model), "fc1.bias");
  file.tensors["fc1.bias"] = infinite;
  sign(file);
  trainer_.restore(file);
  EXPECT_EQ(nonfinite_parameter(trainer_, trainer_.model()), "fc1.bias") << "of the last state";
}

/// What the program makes of it.
class OutcomeOfARun : public testing::ProgramRun {
 protected:
  OutcomeOfARun() { home_.write("c.toml", testing::demo_config(kPbcseq)); }
};

TEST_F(OutcomeOfARun, IsWarnedOfInTheLogInTheResultAndInTheRunsAccount) {
  const testing::Finished f = run(testing::train_arguments("c.toml", "r", {"optimizer.lr=1e-9"}));
  ASSERT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.log, "warning: the model that is kept may be untrained: ");
  const nlohmann::json account = summary("r")["warnings"];
  ASSERT_FALSE(account.empty());
  EXPECT_CONTAINS(account[0].get<std::string>(), "may be untrained");

  std::vector<std::string> arguments = testing::train_arguments("c.toml", "j", {"optimizer.lr=1e-9"});
  arguments.insert(arguments.end(), {"--log-format", "json"});
  const testing::Finished as_json = run(arguments);
  EXPECT_EQ(nlohmann::json::parse(as_json.out)["warnings"], account);
  EXPECT_EQ(nlohmann::json::parse(as_json.out)["status"], "finished");
  bool logged = false;
  for (const std::string& line : lines_of(as_json.log)) {
    const nlohmann::json event = nlohmann::json::parse(line);
    logged = logged || (event["level"] == "warning" && event["message"] == account[0]);
  }
  EXPECT_TRUE(logged) << as_json.log;
}

TEST_F(OutcomeOfARun, WhoseLastStepLeftNoNumbersIsAFailure) {
  const testing::Finished f = run(testing::train_arguments(
      "c.toml", "r", {"optimizer.lr=1e30", "optimizer.weight_decay=1e30", "train.epochs=1", "train.batch=1000"}));
  EXPECT_EQ(f.code, testing::kNumerics) << f.log;
  EXPECT_CONTAINS(f.log, "is not finite: training diverged; lower optimizer.lr");
  EXPECT_EQ(f.out, "");
  EXPECT_EQ(summary("r")["status"], "failed");
}

TEST_F(OutcomeOfARun, ThatLearnedHasNoWarning) {
  const testing::Finished f = run(testing::train_arguments("c.toml", "r", {"optimizer.lr=0.005", "train.epochs=30"}));
  ASSERT_EQ(f.code, 0) << f.log;
  EXPECT_EQ(f.log.find("warning"), std::string::npos) << f.log;
  EXPECT_EQ(summary("r")["warnings"], nlohmann::json::array());
}

}  // namespace
}  // namespace equipoise
