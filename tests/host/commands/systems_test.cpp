// tests/host/commands/systems_test.cpp - every system that init knows trains, is evaluated, resumed and recorded.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/host/commands/program_run.h"
#include "tests/host/commands/small_tables.h"

namespace equipoise::testing {
namespace {

using nlohmann::json;

/// A config of init, made small.
struct System {
  std::string name;
  std::vector<std::string> settings;
  std::vector<std::string> figures;  ///< of an evaluation
  std::vector<std::string> tasks;
  bool predicts = true;                  ///< of generated rows no predictions are written
  int long_epochs = to_be_caught(1500);  ///< enough to be caught in the middle

  friend void PrintTo(const System& system, std::ostream* to) { *to << system.name; }
};

const std::vector<System> kSystems = {
    {"towers",
     {"data.rows=300"},
     {"tower1.mse", "tower1.r2", "tower2.mse", "tower2.r2"},
     {"tower1", "tower2"},
     false,
     to_be_caught(1500)},
    {"trunk",
     {"data.rows=300", "data.features=20", "data.outputs=3", "data.sigmas=[2, 50]", "data.validation=0.2"},
     {"task0.mse", "task0.r2", "task1.mse", "task1.r2"},
     {"task0", "task1"},
     false,
     to_be_caught(600)},
    {"vaegan",
     {"data.outcome=outcome.csv", "train.batch=16", "model.latent=3"},
     {"reconstruction_error", "discriminator_real"},
     {"prior", "feature", "generator", "discriminator", "auxiliary"},
     true,
     to_be_caught(8000)},
};

class SystemsOfInit : public ProgramRun, public ::testing::WithParamInterface<System> {
 protected:
  SystemsOfInit() {
    write_small_tables(home_.path());
    home_.write("c.toml", said({"init", system().name}));
  }
  static const System& system() { return GetParam(); }

  std::vector<std::string> training(const std::string& folder, int epochs) const {
    std::vector<std::string> settings = system().settings;
    settings.push_back("train.epochs=" + std::to_string(epochs));
    return train_arguments("c.toml", folder, settings);
  }
};

TEST_P(SystemsOfInit, TrainIntoARunFolderThatNamesTheirTasks) {
  const std::string result = said(training("r", 3));
  EXPECT_CONTAINS(result, "model: the state after epoch 3");
  EXPECT_EQ(std::filesystem::exists(at("r") / "predictions.csv"), system().predicts);
  const std::vector<json> lines = metrics("r");
  ASSERT_EQ(lines.size(), 3u);
  for (const json& line : lines) {
    ASSERT_EQ(line["train"]["losses"].size(), system().tasks.size());
    for (const std::string& task : system().tasks) EXPECT_TRUE(line["train"]["losses"][task].is_number()) << task;
    for (const std::string& figure : system().figures) EXPECT_TRUE(line["validation"].contains(figure)) << figure;
  }
  EXPECT_EQ(summary("r")["status"], "finished");
  EXPECT_EQ(summary("r")["chosen_by"], "last epoch");
}

TEST_P(SystemsOfInit, EvaluateToTheFiguresOfTheLastEpochBitForBit) {
  said(training("r", 2));
  const json got = json::parse(said({"evaluate", "r", "--json"})), line = metrics("r").back()["validation"];
  EXPECT_EQ(got["losses"], line["losses"]);
  for (const std::string& figure : system().figures) EXPECT_EQ(got[figure], line[figure]) << figure;
  EXPECT_EQ(got["epoch"], 2);
  const std::string text = said({"evaluate", "r", "--split", "train"});
  for (std::string figure : system().figures) {
    std::replace(figure.begin(), figure.end(), '_', ' ');
    EXPECT_CONTAINS(text, "\n" + figure + " ");
  }
  for (const std::string& task : system().tasks) EXPECT_CONTAINS(text, "loss of " + task);
}

TEST_P(SystemsOfInit, StoppedAndGoneOnWithEndInTheSameBits) {
  const std::vector<std::string> resume{"train", "--resume", "--device", "cpu", "--out", "pieces"};
  said(training("whole", system().long_epochs));
  for (const std::vector<std::string>& arguments : {training("pieces", system().long_epochs), resume}) {
    const std::size_t before = lines_of(content_of(at("pieces") / "metrics.jsonl")).size();
    Process process(EQUIPOISE_PROGRAM, home_.path(), arguments);
    ASSERT_TRUE(process.wait_for_lines(at("pieces") / "metrics.jsonl", static_cast<long>(before) + 20));
    process.send(SIGTERM);
    const Finished stopped = process.finish();
    ASSERT_EQ(stopped.code, 75) << stopped.log;
  }
  EXPECT_EQ(summary("pieces")["status"], "stopped");
  said(resume);
  EXPECT_EQ(summary("pieces")["resumed"], 2);
  EXPECT_EQ(summary("pieces")["hash"], summary("whole")["hash"]);
  for (const char* file : {"model.safetensors", "last.safetensors", "predictions.csv", "config.toml", "split.csv"})
    EXPECT_EQ(content_of(at("pieces") / file), content_of(at("whole") / file)) << file;
}

TEST_P(SystemsOfInit, RecordStepsThatReplayToTheSameBits) {
  std::vector<std::string> arguments{"record", "c.toml", "--steps", "2", "--out", "record"};
  for (const std::string& setting : system().settings) arguments.insert(arguments.end(), {"--set", setting});
  said(arguments);
  const json report = json::parse(said({"replay", "record", "--json", "--tolerance", "0"}));
  EXPECT_EQ(report["worst"], 0.0);
  EXPECT_GT(report["deviations"].size(), 10u) << "parameters, their moments and a trace are compared";
}

TEST_P(SystemsOfInit, DependOnTheSeedOfTheTraining) {
  said(training("one", 2));
  said(training("again", 2));
  auto other = training("two", 2);
  other.insert(other.end(), {"--set", "train.seed=2"});
  said(other);
  EXPECT_EQ(summary("again")["hash"], summary("one")["hash"]);
  EXPECT_NE(summary("two")["hash"], summary("one")["hash"]);
}

INSTANTIATE_TEST_SUITE_P(Each, SystemsOfInit, ::testing::ValuesIn(kSystems),
                         [](const auto& each) { return each.param.name; });

/// MLDRL whose views are balanced apart, each at its own latent.
class BalancersOfTwoViews : public ProgramRun {
 protected:
  BalancersOfTwoViews() {
    const std::string tables = EQUIPOISE_SOURCE_DIR "/tools/demo-data/pbcseq/";
    home_.write("c.toml", "[data]\nviews = [\"" + tables + "before.csv\", \"" + tables + "after.csv\"]\noutcome = \"" +
                              tables + "outcome.csv\"\n[train]\nepochs = 3\n" +
                              "[[balance]]\nmethods = [\"mgda\"]\nat = \"latent1\"\n" +
                              "[[balance]]\nmethods = [\"uw\", \"graddrop\"]\nat = \"latent2\"\n");
  }
};

TEST_F(BalancersOfTwoViews, TellOfEachAndChangeTheModelEach) {
  const auto hash = [&](const std::string& folder, const std::vector<std::string>& settings) {
    said(train_arguments("c.toml", folder, settings));
    return summary(folder)["hash"];
  };
  const json both = hash("both", {});
  const json line = metrics("both").back();
  ASSERT_EQ(line["further_balancers"].size(), 1u);
  EXPECT_LE(std::abs(line["certificate"].get<double>()), 1e-12) << "of mgda, as tests/kernels/balance promise";
  EXPECT_TRUE(line["further_balancers"][0]["certificate"].is_null());
  EXPECT_NE(hash("other first", {"balance.methods=[\"upgrad\"]"}), both);
  EXPECT_NE(hash("other second", {"balance[1].methods=[\"upgrad\"]"}), both);
  EXPECT_NE(hash("summed", {"balance[1].sum_rows=true"}), both);
}

TEST_F(BalancersOfTwoViews, EvaluateToTheFiguresOfTheBestEpochAndReplayToTheSameBits) {
  said(train_arguments("c.toml", "r", {}));
  const json got = json::parse(said({"evaluate", "r", "--json"}));
  const json line = metrics("r")[got["epoch"].get<std::size_t>() - 1]["validation"];
  for (const char* key : {"auc", "losses", "reconstruction_error"}) EXPECT_EQ(got[key], line[key]) << key;
  said({"record", "c.toml", "--steps", "2", "--out", "record"});
  EXPECT_EQ(json::parse(said({"replay", "record", "--json", "--tolerance", "0"}))["worst"], 0.0);
}

}  // namespace
}  // namespace equipoise::testing
