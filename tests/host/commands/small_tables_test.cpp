// tests/host/commands/small_tables_test.cpp - multi-task networks and VAE-GAN on a small table of one's own: what they
// predict and generate is in the units of the data.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/host/commands/program_run.h"
#include "tests/host/commands/small_tables.h"

namespace equipoise::testing {
namespace {

using nlohmann::json;
using Cells = std::vector<std::vector<std::string>>;

class SmallTables : public ProgramRun {
 protected:
  SmallTables() {
    write_small_tables(home_.path());
    home_.write("mtl.toml", kSmallMtl);
    home_.write("vaegan.toml", kSmallVaegan);
  }
  std::string train(const std::string& config, const std::string& folder,
                    const std::vector<std::string>& settings = {}) const {
    return said(train_arguments(config, folder, settings));
  }
  Cells predictions(const std::string& folder) const { return cells_of(content_of(at(folder) / "predictions.csv")); }
};

/// Settings with which a network learns these sixty rows by heart.
const std::vector<std::string> kThorough = {"train.epochs=300", "optimizer.lr=0.01", "model.dropout=0",
                                            "balance.methods=[\"equal\"]"};

// Of 60 rows every seventh stay is missing (9), no cost, every fifth death (12) and every ninth stage (7).
TEST_F(SmallTables, AreEvaluatedWithTheNumberOfCellsThatEachTasksFiguresRestOn) {
  train("mtl.toml", "r");
  const std::vector<std::string> all = {"evaluate", "r", "--views", "features.csv", "--outcome", "outcome.csv"};
  std::vector<std::string> as_json = all;
  as_json.push_back("--json");
  EXPECT_EQ(json::parse(said(as_json))["known"], (json{{"stay", 51 + 60}, {"died", 48}, {"stage", 53}}));
  const std::string text = said(all);
  for (const char* line : {"\nknown of stay                 111\n", "\nknown of died                 48\n",
                           "\nknown of stage                53\n"})
    EXPECT_CONTAINS(text, line);
}

TEST_F(SmallTables, PredictEachKindOfTargetForEveryRowInTheDatasUnits) {
  train("mtl.toml", "r", kThorough);
  const Cells cells = predictions("r");
  ASSERT_EQ(cells.size(), kSmallRows + 1u);
  EXPECT_EQ(cells[0], (std::vector<std::string>{"id", "fold", "seed", "stay", "cost", "died_no", "died_yes", "stage_I",
                                                "stage_II", "stage_III", "decision_died", "decision_stage"}));
  double stay = 0, cost = 0;
  int died = 0;
  for (int row = 0; row < kSmallRows; ++row) {
    const std::vector<std::string>& line = cells[static_cast<std::size_t>(row) + 1];
    ASSERT_EQ(line.size(), 12u);
    EXPECT_EQ(line[0], "p" + std::to_string(100 + row));
    stay += std::abs(std::stod(line[3]) - small_stay(row)) / kSmallRows;
    cost += std::abs(std::stod(line[4]) - small_cost(row)) / kSmallRows;
    died += (std::stod(line[6]) > 0.5) == small_died(row);
    // Probabilities of float32 logits, summed in double.
    EXPECT_NEAR(std::stod(line[5]) + std::stod(line[6]), 1, 1e-6);
    EXPECT_NEAR(std::stod(line[7]) + std::stod(line[8]) + std::stod(line[9]), 1, 1e-6);
  }
  // Deviations of the columns are 21 and 28, and 30 of 60 rows would be right by chance; rows that no target of a task
  // trains are among them.
  EXPECT_LT(stay, 7);
  EXPECT_LT(cost, 9);
  EXPECT_GE(died, 50);
}

TEST_F(SmallTables, JudgeARegressionByWhatThePredictionsSay) {
  train("mtl.toml", "r");
  const json stored = json::parse(content_of(at("r") / "preprocess.json"))["targets"][0];
  const double stay_scale = stored["scale"][0], cost_scale = stored["scale"][1];
  double sum = 0;
  int known = 0;
  for (const std::vector<std::string>& line : predictions("r")) {
    if (line[1] != "test") continue;
    const int row = std::stoi(line[0].substr(1)) - 100;
    const double cost = (std::stod(line[4]) - small_cost(row)) / cost_scale;
    sum += cost * cost;
    ++known;
    if (row % 7 == 0) continue;  // the stay is missing and counts for nothing
    const double stay = (std::stod(line[3]) - small_stay(row)) / stay_scale;
    sum += stay * stay;
    ++known;
  }
  ASSERT_GT(known, 0);
  const json got = json::parse(said({"evaluate", "r", "--split", "test", "--json"}));
  // The table holds six digits of each value.
  EXPECT_NEAR(got["stay.mse"].get<double>(), sum / known, 1e-4 * sum / known);
}

/// Counts of visits in every row but each eleventh; expected are e^(3 + c) where c is the third feature.
std::string small_visits() {
  std::string table = "id,visits\n";
  for (int row = 0; row < kSmallRows; ++row)
    table += fmt::format("p{},{}\n", 100 + row,
                         row % 11 == 0 ? "" : fmt::format("{:.0f}", std::exp(3 + small_feature(row, 2))));
  return table;
}

TEST_F(SmallTables, PredictExpectedCounts) {
  home_.write("visits.csv", small_visits());
  std::vector<std::string> settings = kThorough;
  settings.insert(settings.end(), {"data.outcome=visits.csv", "data.tasks=[\"count:visits\"]"});
  train("mtl.toml", "r", settings);
  const Cells cells = predictions("r");
  ASSERT_EQ(cells[0], (std::vector<std::string>{"id", "fold", "seed", "visits"}));
  double deviance = 0, error = 0, known = 0;
  for (const std::vector<std::string>& line : Cells(cells.begin() + 1, cells.end())) {
    const int row = std::stoi(line[0].substr(1)) - 100;
    if (line[1] != "test" || row % 11 == 0) continue;
    const double y = std::round(std::exp(3 + small_feature(row, 2))), mu = std::stod(line[3]);
    EXPECT_GT(mu, 0);
    deviance += 2 * (y * std::log(y / mu) - (y - mu));  // no row counts zero
    error += std::fabs(y - mu);
    known += 1;
  }
  const json got = json::parse(said({"evaluate", "r", "--split", "test", "--json"}));
  // Predictions hold nine digits.
  EXPECT_NEAR(got["visits.deviance"].get<double>(), deviance / known, 1e-6 * deviance / known);
  EXPECT_NEAR(got["visits.mae"].get<double>(), error / known, 1e-6 * error / known);
  EXPECT_GT(got["visits.d2"].get<double>(), 0.7) << "the third feature alone tells the expected count";
}

TEST_F(SmallTables, RefuseCountsThatAreNone) {
  home_.write("visits.csv", "id,visits\np100,3\np101,-2\np102,1\n");
  expect_refused(3, train_arguments("mtl.toml", "r", {"data.outcome=visits.csv", "data.tasks=[\"count:visits\"]"}),
                 {"visits.csv:3:6: '-2' in the column 'visits' is negative"});
}

TEST_F(SmallTables, SelectTheEpochOfTheLeastLossWhereAsked) {
  const std::string result = train("mtl.toml", "r", {"train.monitor=loss", "train.epochs=20"});
  EXPECT_CONTAINS(result, "chosen by the loss of the ");
  EXPECT_EQ(summary("r")["chosen_by"], "validation");
  double least = INFINITY;
  int best = 0;
  for (const json& line : metrics("r")) {
    double loss = 0;
    for (const json& each : line["validation"]["losses"]) loss += each.get<double>();
    if (loss < least) best = line["epoch"];
    least = std::min(least, loss);
  }
  EXPECT_EQ(summary("r")["best_epoch"], best);
}

TEST_F(SmallTables, SelectTheEpochOfTheLargestAucOfTheirTasksOrOfOne) {
  const auto best_of = [&](const std::string& run, const std::vector<std::string>& figures, bool largest) {
    int best = 0;
    double kept = -INFINITY;
    for (const json& line : metrics(run)) {
      double sum = 0;
      for (const std::string& figure : figures) sum += line["validation"][figure].get<double>();
      if (const double value = largest ? sum : -sum; value > kept) {
        kept = value;
        best = line["epoch"];
      }
    }
    return best;
  };
  EXPECT_CONTAINS(train("mtl.toml", "r", {"train.monitor=auc", "train.epochs=30", "optimizer.lr=0.01"}),
                  "chosen by the AUC of the ");
  EXPECT_EQ(summary("r")["best_epoch"], best_of("r", {"died.auc", "stage.auc"}, true));
  EXPECT_CONTAINS(train("mtl.toml", "one", {"train.monitor=auc", "train.monitor_task=stage", "train.epochs=30"}),
                  "chosen by the AUC of stage of the ");
  EXPECT_EQ(summary("one")["best_epoch"], best_of("one", {"stage.auc"}, true));
  EXPECT_CONTAINS(train("mtl.toml", "cost",
                        {"train.monitor=deviance", "train.monitor_task=stay", "train.epochs=30", "optimizer.lr=0.1"}),
                  "chosen by the deviance of stay of the ");
  EXPECT_EQ(summary("cost")["best_epoch"], best_of("cost", {"stay.mse"}, false));
}

TEST_F(SmallTables, TrainOnOneTaskAndOnTargetsBesideTheFeatures) {
  train("mtl.toml", "one", {"data.tasks=[\"binary:died\"]"});
  EXPECT_EQ(predictions("one")[0],
            (std::vector<std::string>{"id", "fold", "seed", "died_no", "died_yes", "decision_died"}));
  home_.write("beside.toml",
              "[data]\nviews = [\"outcome.csv\"]\ntasks = [\"regression:stay\", \"multiclass:stage\"]\n"
              "[model]\nkind = \"mtl\"\n[train]\nepochs = 2\n");
  home_.write("outcome.csv", "id,x,stay,stage\n1,1,10,A\n2,2,20,B\n3,3,30,A\n4,4,,B\n5,5,50,A\n6,6,60,B\n");
  train("beside.toml", "two", {"data.validation=0", "data.test=0"});
  EXPECT_EQ(summary("two")["data"]["features"], json::array({1})) << "targets are no features";
}

/// Mean of a column of generated rows.
double mean_of(const Cells& cells, std::size_t column) {
  double sum = 0;
  for (std::size_t row = 1; row < cells.size(); ++row) sum += std::stod(cells[row][column]);
  return sum / static_cast<double>(cells.size() - 1);
}

TEST_F(SmallTables, GenerateRowsOfTheirColumnsInTheirUnits) {
  for (const std::string label : {"label", ""}) {
    const std::string folder = "r" + label;
    train("vaegan.toml", folder, {"data.label=" + label});
    const Cells cells = cells_of(said({"generate", folder, "--rows", "200", "--seed", "3"}));
    ASSERT_EQ(cells.size(), 201u);
    EXPECT_EQ(cells[0], (std::vector<std::string>{"id", "a", "b", "c"}));
    EXPECT_EQ(cells[200][0], "generated200");
    // Means of the data are 5, -100 and 0, deviations 2, 28 and .7: within two of them.
    EXPECT_NEAR(mean_of(cells, 1), 5, 4);
    EXPECT_NEAR(mean_of(cells, 2), -100, 56);
    EXPECT_NEAR(mean_of(cells, 3), 0, 1.4);
    EXPECT_NE(cells[1][1], cells[2][1]);
    EXPECT_EQ(metrics(folder).back()["train"]["losses"].contains("auxiliary"), label != "");
  }
}

TEST_F(SmallTables, GenerateTheSameRowsFromASeedAndOthersFromAnother) {
  train("vaegan.toml", "r");
  const auto rows = [&](const std::string& count, const std::string& seed) {
    return said({"generate", "r", "--rows", count, "--seed", seed, "--device", "cpu"});
  };
  const std::string ten = rows("10", "1");
  EXPECT_EQ(rows("10", "1"), ten);
  EXPECT_NE(rows("10", "2"), ten);
  EXPECT_EQ(rows("300", "1").substr(0, ten.size()), ten) << "more rows begin with the same ones";
  EXPECT_EQ(said({"generate", "r", "--rows", "10", "--seed", "1", "--out", "made.csv"}), "");
  EXPECT_EQ(content_of(at("made.csv")), ten);
}

TEST_F(SmallTables, EncodeEveryRowAsTheMeansOfItsLatents) {
  train("vaegan.toml", "r");
  const Cells cells = predictions("r");
  ASSERT_EQ(cells.size(), kSmallRows + 1u);
  EXPECT_EQ(cells[0], (std::vector<std::string>{"id", "fold", "seed", "latent1", "latent2", "latent3",
                                                "reconstruction_error", "discriminator_real"}));
  const json real = json::parse(said({"evaluate", "r", "--json"}))["discriminator_real"];
  ASSERT_EQ(real.size(), 3u) << "original, reconstructed and sampled rows";
  for (const json& p : real) {
    EXPECT_GT(p.get<double>(), 0);
    EXPECT_LT(p.get<double>(), 1);
  }
}

}  // namespace
}  // namespace equipoise::testing
