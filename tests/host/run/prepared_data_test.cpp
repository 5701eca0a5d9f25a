// tests/host/run/prepared_data_test.cpp - nothing that is fitted knows the rows it is judged by.
#include "host/run/prepared_data.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/run/executor.h"
#include "engine/train/trainer.h"
#include "host/config/model_config.h"
#include "host/run/run_folder.h"
#include "host/run/run_summary.h"
#include "tests/host/commands/demo_run.h"
#include "tests/host/commands/run_program.h"

namespace equipoise {
namespace {

using testing::kPbcseq;
using testing::refusal;

class PreparedTables : public ::testing::Test {
 protected:
  PreparedTables() {
    std::filesystem::copy(kPbcseq, tables());
    config_ = load_config(home_.write("c.toml", testing::demo_config(tables())));
  }
  std::filesystem::path tables() const { return home_.path() / "tables"; }

  /// Puts `value` in place of the column bili of one patient in before.csv.
  void change(const std::string& id, const std::string& value) const {
    std::string text = testing::content_of(tables() / "before.csv");
    std::size_t at = text.find("\n" + id + ",") + 1;
    for (int column = 0; column < 5; ++column) at = text.find(',', at) + 1;
    text.replace(at, text.find(',', at) - at, value);
    std::ofstream(tables() / "before.csv") << text;
  }

  testing::TemporaryFolder home_;
  Config config_;
};

TEST_F(PreparedTables, FitNothingOnValidationAndTestRows) {
  const PreparedData before = prepare_data(config_);
  for (const auto* part : {&before.split.validation, &before.split.test})
    change(before.data.ids[static_cast<std::size_t>(part->front())], "1e6");
  const PreparedData after = prepare_data(config_);
  EXPECT_EQ(after.preprocess, before.preprocess);
  EXPECT_NE(after.sha256, before.sha256);
  change(before.data.ids[static_cast<std::size_t>(before.split.train.front())], "1e6");
  EXPECT_NE(prepare_data(config_).preprocess, before.preprocess);
}

TEST_F(PreparedTables, AreTheSameOnceStoredAndReadBack) {
  const PreparedData fresh = prepare_data(config_);
  RunFolder::create(home_.path() / "r").begin(config_, fresh, "{}");
  const PreparedData again = prepare_data_as(config_, home_.path() / "r");
  EXPECT_EQ(again.sha256, fresh.sha256);
  EXPECT_EQ(again.data.views, fresh.data.views);
  EXPECT_EQ(again.split.validation, fresh.split.validation);
}

TEST_F(PreparedTables, HaveAnotherHashWhereOneRowIsOfAnotherPart) {
  const PreparedData fresh = prepare_data(config_);
  RunFolder::create(home_.path() / "r").begin(config_, fresh, "{}");
  const std::string text = testing::content_of(home_.path() / "r" / run_file::kSplit);
  config_.data.split = home_.path() / "split.csv";
  home_.write("split.csv", text);
  EXPECT_EQ(prepare_data(config_).sha256, fresh.sha256);
  std::string other = text;  // a validation row and a test row change places: parts of the same sizes
  const auto replace = [&](const std::string& what, const std::string& with) {
    other.replace(other.find(what), what.size(), with);
  };
  replace(",validation", ",swapped");
  replace(",test", ",validation");
  replace(",swapped", ",test");
  home_.write("split.csv", other);
  const PreparedData moved = prepare_data(config_);
  EXPECT_EQ(moved.data.views, fresh.data.views);
  EXPECT_EQ(moved.split.train, fresh.split.train);
  EXPECT_EQ(moved.split.validation.size(), fresh.split.validation.size());
  EXPECT_NE(moved.split.validation, fresh.split.validation);
  EXPECT_NE(moved.sha256, fresh.sha256);
}

TEST_F(PreparedTables, ThatChangedAreNamed) {
  const PreparedData before = prepare_data(config_);
  EarlierRun earlier;
  earlier.data_sha256 = before.sha256;
  earlier.files = before.files;
  expect_same_data(earlier, before);
  change(before.data.ids[3], "77");
  const std::string message = refusal(ExitCode::data, [&] { expect_same_data(earlier, prepare_data(config_)); });
  EXPECT_CONTAINS(message, "before.csv: the data are not those");
  EXPECT_EQ(message.find("after.csv"), std::string::npos);
}

TEST_F(PreparedTables, WithoutLabelsAreSplitAtRandomAndTrainTheOtherLosses) {
  const PreparedData labelled = prepare_data(config_);
  RunFolder::create(home_.path() / "r").begin(config_, labelled, "{}");
  config_.data.label = "";
  config_.data.outcome.reset();
  config_.train.monitor = "loss";
  config_.train.epochs = 2;
  const PreparedData random = prepare_data(config_);
  EXPECT_FALSE(random.split.validation.empty());
  EXPECT_EQ(random.split.train.size() + random.split.validation.size() + random.split.test.size(),
            static_cast<std::size_t>(random.data.rows));
  config_.data.split = home_.path() / "r" / run_file::kSplit;
  const PreparedData unlabelled = prepare_data(config_);
  EXPECT_EQ(unlabelled.split.train, labelled.split.train);

  const auto executor = make_cpu_executor(1);
  Trainer trainer(unlabelled.data, unlabelled.split, training_plan(config_, unlabelled.data, unlabelled.split),
                  *executor);
  while (!trainer.finished()) {
    const auto metrics = trainer.advance(1000);
    ASSERT_TRUE(metrics);
    EXPECT_TRUE(std::isnan(metrics->losses[2]));  // nothing to classify
    EXPECT_GT(metrics->losses[0], 0);
    const std::vector<double>& weights = metrics->balancers.at(0).weights;
    EXPECT_GT(weights[0] + weights[1] + weights[2], 0);
  }
  EXPECT_GE(trainer.best_epoch(), 1);
}

}  // namespace
}  // namespace equipoise
