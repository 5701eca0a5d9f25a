// tests/host/commands/class_weights_run_test.cpp - runs whose tasks weigh their classes: the losses that evaluate tells
// are the weighted means of what predictions.csv says, and a run goes on, is recorded and replayed with its weights.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/host/commands/program_run.h"
#include "tests/host/commands/small_tables.h"

namespace equipoise::testing {
namespace {

using nlohmann::json;

class ClassWeightsOfARun : public ProgramRun {
 protected:
  ClassWeightsOfARun() {
    write_small_tables(home_.path());
    home_.write("mtl.toml", kSmallMtl);
  }
  std::string train(const std::string& folder, const std::string& weights, int epochs = 3) const {
    return said(train_arguments("mtl.toml", folder,
                                {"train.epochs=" + std::to_string(epochs), "train.class_weights=" + weights}));
  }

  /// By id, as outcome.csv has it.
  std::map<std::string, std::string> column(std::size_t number) const {
    std::map<std::string, std::string> found;
    for (const auto& cells : cells_of(content_of(at("outcome.csv")))) found[cells[0]] = cells[number];
    return found;
  }
  /// The mean of -log of the true class's probability, each row by its class's weight.
  double weighted_loss(const std::string& folder, const std::string& part, const std::string& task,
                       const std::map<std::string, std::string>& truth,
                       const std::map<std::string, double>& weights) const {
    const auto cells = cells_of(content_of(at(folder) / "predictions.csv"));
    double sum = 0, weight = 0;
    for (std::size_t r = 1; r < cells.size(); ++r) {
      const auto known = weights.find(truth.at(cells[r][0]));
      if (cells[r][1] != part || known == weights.end()) continue;
      for (std::size_t c = 0; c < cells[r].size(); ++c)
        if (cells[0][c] == task + "_" + known->first) sum -= known->second * std::log(std::stod(cells[r][c]));
      weight += known->second;
    }
    return sum / weight;
  }
  /// n / (K n_k) over the training rows.
  std::map<std::string, double> balanced(const std::string& folder, const std::map<std::string, std::string>& truth,
                                         const std::vector<std::string>& classes) const {
    const auto cells = cells_of(content_of(at(folder) / "predictions.csv"));
    std::map<std::string, double> rows;
    double all = 0;
    for (std::size_t r = 1; r < cells.size(); ++r)
      if (const std::string& k = truth.at(cells[r][0]);
          cells[r][1] == "train" && std::find(classes.begin(), classes.end(), k) != classes.end())
        ++rows[k], ++all;
    for (auto& [k, n] : rows) n = all / (static_cast<double>(classes.size()) * n);
    return rows;
  }
};

TEST_F(ClassWeightsOfARun, MakeTheLossesThatEvaluateTells) {
  train("r", "{stage=[1, 2, 4], died=\"balanced\"}");
  const auto died = column(3), stage = column(4);
  const std::map<std::string, double> of_died = balanced("r", died, {"no", "yes"}),
                                      of_stage = {{"I", 1}, {"II", 2}, {"III", 4}};
  EXPECT_NE(of_died.at("no"), of_died.at("yes"));
  for (const char* part : {"train", "validation", "test"}) {
    const json told = json::parse(said({"evaluate", "r", "--split", part, "--json"}));
    // Probabilities and losses of float32 answers.
    EXPECT_NEAR(told["losses"]["died"], weighted_loss("r", part, "died", died, of_died), 1e-6) << part;
    EXPECT_NEAR(told["losses"]["stage"], weighted_loss("r", part, "stage", stage, of_stage), 1e-6) << part;
  }
  const json told = json::parse(said({"evaluate", "r", "--json"})), line = metrics("r").back()["validation"];
  EXPECT_EQ(told["losses"], line["losses"]) << "bit for bit";
  const json external =
      json::parse(said({"evaluate", "r", "--json", "--views", "features.csv", "--outcome", "outcome.csv"}));
  EXPECT_TRUE(external["losses"]["died"].is_number());
  EXPECT_CONTAINS(content_of(at("r") / "config.toml"),
                  "\nclass_weights = {\"died\" = \"balanced\", \"stage\" = [1.0, 2.0, 4.0]}\n");
}

TEST_F(ClassWeightsOfARun, ChangeWhatIsLearnedAndOnesDoNot) {
  const auto hash = [&](const std::string& folder) { return summary(folder)["hash"]; };
  said(train_arguments("mtl.toml", "none", {}));
  train("ones", "{died=[1, 1]}");
  train("weighed", "\"balanced\"");
  EXPECT_EQ(hash("ones"), hash("none"));
  EXPECT_NE(hash("weighed"), hash("none"));
  EXPECT_EQ(content_of(at("none") / "config.toml").find("class_weights"), std::string::npos);
}

TEST_F(ClassWeightsOfARun, AreThoseItGoesOnWith) {
  train("whole", "balanced", 6);
  train("pieces", "balanced", 3);
  said({"train", "--resume", "--device", "cpu", "--out", "pieces", "--set", "train.epochs=6"});
  EXPECT_EQ(summary("pieces")["hash"], summary("whole")["hash"]);
  for (const char* file : {"model.safetensors", "last.safetensors", "predictions.csv", "config.toml"})
    EXPECT_EQ(content_of(at("pieces") / file), content_of(at("whole") / file)) << file;
  expect_refused(
      kUsage, {"train", "--resume", "--device", "cpu", "--out", "pieces", "--set", "train.class_weights={died=[1, 2]}"},
      {"train.class_weights"});
}

TEST_F(ClassWeightsOfARun, AreRecordedAndReplayedToTheSameBits) {
  said({"record", "mtl.toml", "--steps", "2", "--out", "record", "--set", "train.class_weights=balanced"});
  const json report = json::parse(said({"replay", "record", "--json", "--tolerance", "0"}));
  EXPECT_EQ(report["worst"], 0.0);
  EXPECT_GT(report["deviations"].size(), 10u);
}

TEST_F(ClassWeightsOfARun, AreRefusedInASentence) {
  expect_refused(kUsage, train_arguments("mtl.toml", "r", {"train.class_weights=[1, 2]"}),
                 {"--set train.class_weights: train.class_weights has numbers for one task, but 2 have classes"});
  expect_refused(kUsage, train_arguments("mtl.toml", "r", {"train.class_weights={dead=[1, 2]}"}),
                 {"names 'dead', which is no task with classes; did you mean 'died'?"});
  expect_refused(kUsage, train_arguments("mtl.toml", "r", {"train.class_weights={stage=[1, 2]}"}),
                 {"train.class_weights of stage has 2 numbers but the task has 3 classes"});
}

}  // namespace
}  // namespace equipoise::testing
