// tests/host/commands/predict_test.cpp - a model asked about patients that it has not seen.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tests/host/commands/asked_run.h"

namespace equipoise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Predict : public AskedRun {};

TEST_F(Predict, TellsOfItsOwnTablesWhatPredictionsCsvHolds) {
  train("r");
  const auto own = kept("r", 4);  // id,fold,seed,label
  ASSERT_EQ(own.size(), 1u + kSmallRows);
  EXPECT_EQ(own[0], (std::vector<std::string>{"id", "probability_Control", "probability_case", "decision"}));
  EXPECT_EQ(predicted({"before.csv", "after.csv"}), own);
  for (std::size_t r = 1; r < own.size(); ++r) {
    const double control = std::stod(own[r][1]), ill = std::stod(own[r][2]);
    EXPECT_NEAR(control + ill, 1, 1e-12);
    EXPECT_EQ(own[r][3], ill >= 0.5 ? "case" : "Control");
  }
}

TEST_F(Predict, MatchesRowsAndColumnsByName) {
  train("r");
  // The first view backwards, its columns too, each cell quoted, with columns of text and numbers that the model does
  // not know; the second with a mark of the byte order, semicolons and lines that end as on Windows.
  std::string first = "note;x2;\"x1\";age;x0;id\r\n", second = "\xEF\xBB\xBFid;x0;x1;x2;x3\r\n";
  for (int row = kSmallRows - 1; row >= 0; --row)
    first += fmt::format("fine;\"{}\";\" {} \";{};\"{}\";\"{}\"\r\n", cell(0, row, 2), cell(0, row, 1), 40 + row,
                         cell(0, row, 0), id(row));
  for (int row = 0; row < kSmallRows; ++row)
    second +=
        fmt::format("{};{};{};{};{}\r\n", id(row), cell(1, row, 0), cell(1, row, 1), cell(1, row, 2), cell(1, row, 3));
  home_.write("1.csv", first);
  home_.write("2.csv", second);
  EXPECT_EQ(predicted({"1.csv", "2.csv"}), kept("r", 4));
  EXPECT_CONTAINS(run({"predict", "r", "--views", "1.csv", "2.csv"}).log,
                  "1.csv: 2 columns that the model does not read left out: note, age");
}

TEST_F(Predict, AnswersAlikeWhateverTheClassesAreCalled) {
  train("r");
  std::string renamed = content_of(at("outcome.csv"));
  for (const auto& [from, to] : {std::pair{"Control", "stable"}, {"case", "worse, soon"}})
    for (std::size_t found = renamed.find(from); found != renamed.npos; found = renamed.find(from))
      renamed.replace(found, std::strlen(from), std::string("\"") + (to[0] == 's' ? "a " : "b ") + to + '"');
  home_.write("outcome.csv", renamed);
  train("again");
  const auto one = kept("r", 4);
  const std::string other = content_of(at("again") / "predictions.csv");
  EXPECT_CONTAINS(other, "id,fold,seed,label,probability_a stable,\"probability_b worse, soon\",decision\n");
  const auto lines = lines_of(other);
  ASSERT_EQ(lines.size(), one.size());
  for (std::size_t r = 1; r < one.size(); ++r)
    EXPECT_CONTAINS(lines[r],
                    "," + one[r][1] + "," + one[r][2] + "," + (one[r][3] == "case" ? "\"b worse, soon\"" : "a stable"));
}

TEST_F(Predict, PreparesRowsAsTheRunDidItsOwn) {
  // Columns are chosen, a word counts as missing, and a slip of the pen is clipped: in training rows, and in others.
  const auto with_slips = [&](const std::string& slip) {
    std::string table = view(0, 0, kSmallRows);
    for (const char* row : {"p101,", "p105,", "p110,", "p112,"}) {
      const std::size_t cell = table.find(row) + 5;
      table.replace(cell, table.find(',', cell) - cell, slip);
    }
    return table.replace(table.find(",NA"), 3, ",unknown");
  };
  home_.write("before.csv", with_slips("7777"));
  const std::vector<std::string> settings{"data.outliers=clip", "data.missing=[\"unknown\"]",
                                          "select.methods=[\"anova\"]", "select.keep=3"};
  train("r", settings);
  const auto own = kept("r", 4);
  EXPECT_EQ(predicted({"before.csv", "after.csv"}), own);
  const std::string log = run({"predict", "r", "--views", "before.csv", "after.csv"}).log;
  EXPECT_CONTAINS(log, "after.csv: 1 column that the selection dropped left out\n");
  EXPECT_EQ(log.find("does not read"), std::string::npos) << log;
  // Whoever is clipped has the answer of a value at the bound, however far the slip.
  home_.write("farther.csv", with_slips("1e9"));
  EXPECT_EQ(predicted({"farther.csv", "after.csv"}), own);
  home_.write("nearer.csv", with_slips("1"));
  EXPECT_NE(predicted({"nearer.csv", "after.csv"}), own);
}

TEST_F(Predict, EndsWhereAnAnswerIsNoNumber) {
  home_.write("counts.csv", [] {
    std::string table = "id,x,visits\n";
    for (int row = 0; row < kSmallRows; ++row) table += fmt::format("{},{},{}\n", id(row), row % 10, row % 10);
    return table;
  }());
  home_.write("count.toml",
              "[data]\nviews = [\"counts.csv\"]\ntasks = [\"count:visits\"]\n[model]\nkind = \"mtl\"\ndropout = 0.0\n"
              "[optimizer]\nlr = 0.01\n[train]\nepochs = 60\n");
  said(train_arguments("count.toml", "r", {"data.allow=[\"x\"]"}));
  home_.write("far.csv", "id,x\nnear,3\nfar,1e9\n");  // the expected count is exp of some 1e8
  expect_refused(kNumerics, {"predict", "r", "--views", "far.csv"}, {"the answer for far is not finite"});
}

TEST_F(Predict, GivesPatientsWithoutAViewARowWithoutAnswers) {
  train("r");
  // Patient 0 is in one view alone, patient 1 has no value in the second, patient 2 is like the first of training.
  home_.write("1.csv", "id,x0,x1,x2\nnew0,1,2,3\nnew1,1,2,3\nnew2,,1,NA\n");
  home_.write("2.csv", "id,x0,x1,x2,x3\nnew1,,NA,?,\nnew2,1,1,1,1\nnew3,1,1,1,1\n");
  const auto rows = predicted({"1.csv", "2.csv"});
  ASSERT_EQ(rows.size(), 5u);
  const std::vector<std::string> nothing{"", "", ""};
  for (const std::size_t r : {1u, 2u, 4u})
    EXPECT_EQ(std::vector<std::string>(rows[r].begin() + 1, rows[r].end()), nothing) << rows[r][0];
  EXPECT_EQ(rows[3][0], "new2");
  EXPECT_NEAR(std::stod(rows[3][1]) + std::stod(rows[3][2]), 1, 1e-12);
  const std::string log = run({"predict", "r", "--views", "1.csv", "2.csv"}).log;
  EXPECT_CONTAINS(log, "3 of 4 patients have no value in one view or more and cannot be answered");
  EXPECT_CONTAINS(log, "1.csv: 2 of 3 values are missing and take the training rows' median");
  // Nobody at all: rows, but no figure.
  home_.write("3.csv", "id,x0,x1,x2,x3\nother,1,1,1,1\n");
  EXPECT_EQ(predicted({"1.csv", "3.csv"}).size(), 5u);
}

TEST_F(Predict, RefusesColumnsThatAreMissingOrOfAnotherKind) {
  train("r");
  home_.write("short.csv", "id,x0,X1\na,1,2\n");
  expect_refused(kData, {"predict", "r", "--views", "short.csv", "after.csv"},
                 {"short.csv:1:1: the column 'x1' of the training data is missing", "did you mean 'X1'?", "'x2'"});
  home_.write("words.csv", "id,x0,x1,x2\na,1,2,3\nb,1,high,3\n");
  expect_refused(kData, {"predict", "r", "--views", "words.csv", "after.csv"},
                 {"words.csv:3:5: 'high' in the column 'x1' is not a number"});
  home_.write("twice.csv", "id,x0,x1,x2\na,1,2,3\na,1,2,3\n");
  expect_refused(kData, {"predict", "r", "--views", "twice.csv", "after.csv"}, {"twice.csv:3:1", "already at"});
  expect_refused(kUsage, {"predict", "r", "--views", "before.csv"}, {"--views names 1 table, but the model reads 2"});
  expect_refused(kUsage, {"predict", "r", "--views", "-", "after.csv"}, {"standard input holds one table"});
  expect_refused(kUsage, {"predict", "nowhere", "--views", "before.csv", "after.csv"}, {"nowhere: holds no run"});
}

TEST_F(Predict, TellsValuesFarFromTheTrainingRows) {
  train("r");
  home_.write("1.csv", "id,x0,x1,x2\nnear,0,0,0\noff,0,191953.03,0\n");
  home_.write("2.csv", "id,x0,x1,x2,x3\nnear,0,0,0,0\noff,0,0,0,0\n");
  const Finished f = run({"predict", "r", "--views", "1.csv", "2.csv"});
  EXPECT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.log, "1.csv: 1 value lies far from the training rows: 191953.03 of off in 'x1' (");
  EXPECT_EQ(f.log.find("2.csv: "), std::string::npos) << f.log;
}

TEST_F(Predict, ReadsStandardInputWhereThereIsOneView) {
  home_.write("one.toml",
              "[data]\nviews = [\"after.csv\"]\noutcome = \"outcome.csv\"\n[model]\nkind = \"mldrl\"\nhidden = 8\n"
              "[optimizer]\nlr = 0.005\n[train]\nepochs = 5\n");
  said(train_arguments("one.toml", "r", {}));
  const std::string command =
      std::string(EQUIPOISE_PROGRAM) + " predict r --device cpu --views - --out answers.csv < after.csv";
  const Finished f = run_program("/bin/sh", home_.path(), {"-c", command});
  EXPECT_EQ(f.code, 0) << f.log;
  EXPECT_EQ(cells_of(content_of(at("answers.csv"))), kept("r", 4));
  const std::vector<std::string> again{"predict", "r", "-q", "--views", "after.csv", "--out", "answers.csv"};
  expect_refused(kFileSystem, again, {"answers.csv", "--force"});
  std::vector<std::string> forced = again;
  forced.emplace_back("--force");
  EXPECT_EQ(run(forced).log, "");
  for (const char* out : {"latents.csv", "latents.npy"}) {
    said({"embed", "r", "--out", out});
    expect_refused(kFileSystem, {"embed", "r", "-q", "--out", out}, {out, "--force"});
    said({"embed", "r", "--out", out, "--force"});
  }
  expect_refused(kUsage, {"predict", "r", "--views", "after.csv", "--out", "r/run.json"}, {"a file of the run itself"});
}

TEST_F(Predict, ReadsATableThatViewsShareOnce) {
  std::string all = "id,t0_a,t0_b,t1_a\n";
  for (int row = 0; row < kSmallRows; ++row)
    all += fmt::format("{},{},{},{}\n", id(row), cell(0, row, 0), cell(0, row, 1), cell(1, row, 2));
  home_.write("all.csv", all);
  home_.write("c.toml",
              "[data]\nviews = [{file = \"all.csv\", columns = \"t0_*\"}, {file = \"all.csv\", columns = \"t1_*\"}]\n"
              "outcome = \"outcome.csv\"\n[model]\nkind = \"mldrl\"\nhidden = 8\n[train]\nepochs = 3\n");
  train("r");
  home_.write("new.csv", all);
  EXPECT_EQ(predicted({"new.csv"}), predicted({"new.csv", "new.csv"}));
  EXPECT_EQ(run({"predict", "r", "--views", "new.csv"}).log.find("left out"), std::string::npos);
}

TEST_F(Predict, AnswersForMultiTaskNetworksInTheUnitsOfTheData) {
  write_small_tables(home_.path());
  home_.write("mtl.toml", kSmallMtl);
  said(train_arguments("mtl.toml", "r", {"train.epochs=60", "optimizer.lr=0.01"}));
  const auto rows = predicted({"features.csv"});
  EXPECT_EQ(rows, kept("r", 3));
  EXPECT_EQ(rows[0], (std::vector<std::string>{"id", "stay", "cost", "died_no", "died_yes", "stage_I", "stage_II",
                                               "stage_III", "decision_died", "decision_stage"}));
  int right = 0, stages = 0;
  for (int row = 0; row < kSmallRows; ++row) {
    const auto& said_of = rows[static_cast<std::size_t>(row) + 1];
    EXPECT_NEAR(std::stod(said_of[2]), small_cost(row), 60) << row;  // of a mean of 1100 and a deviation of 28
    right += (said_of[8] == "yes") == small_died(row);
    const std::vector<double> p{std::stod(said_of[5]), std::stod(said_of[6]), std::stod(said_of[7])};
    const char* names[] = {"I", "II", "III"};
    stages += said_of[9] == names[std::max_element(p.begin(), p.end()) - p.begin()];
  }
  EXPECT_GT(right, 50);
  EXPECT_EQ(stages, kSmallRows);
}

TEST_F(Predict, ScoresRowsByTheirReconstructionAndTheDiscriminator) {
  write_small_tables(home_.path());
  home_.write("vaegan.toml", kSmallVaegan);
  said(train_arguments("vaegan.toml", "r", {"train.epochs=400", "optimizer.lr=0.001"}));
  EXPECT_EQ(predicted({"features.csv"}), kept("r", 3));
  home_.write("odd.csv", "id,a,b,c\nlike,5,-100,0\nodd,40,300,9\n");
  const auto rows = predicted({"odd.csv"});
  EXPECT_EQ(rows[0], (std::vector<std::string>{"id", "latent1", "latent2", "latent3", "reconstruction_error",
                                               "discriminator_real"}));
  EXPECT_GT(std::stod(rows[2][4]), 10 * std::stod(rows[1][4])) << "values far from all of training";
  for (const std::size_t r : {1u, 2u}) {
    EXPECT_GE(std::stod(rows[r][5]), 0);
    EXPECT_LE(std::stod(rows[r][5]), 1);
  }
  // The mean over rows is the figure that evaluate tells.
  double error = 0;
  for (const auto& row : kept("r", 3)) error += row[0] == "id" ? 0 : std::stod(row[4]) / kSmallRows;
  double figure = 0;
  const json parts = summary("r")["data"]["rows"];
  for (const char* part : {"train", "validation", "test"})
    figure += json::parse(said({"evaluate", "r", "--split", part, "--json"}))["reconstruction_error"].get<double>() *
              parts[part].get<double>() / kSmallRows;
  EXPECT_NEAR(error, figure, 1e-9 * figure);
}

TEST_F(Predict, DecidesAtYoudensPointOfTheValidationRows) {
  train("half");
  train("r", {"evaluate.threshold=youden", "data.validation=0.4"});
  const auto rows = cells_of(content_of(at("r") / "predictions.csv"));
  // By hand: of all observed probabilities that with the most sensitivity + specificity, the largest of equals.
  std::vector<std::pair<double, bool>> seen;
  for (const auto& row : rows)
    if (row[1] == "validation" && !row[3].empty()) seen.emplace_back(std::stod(row[5]), row[3] == "case");
  ASSERT_GT(seen.size(), 15u);
  double best = -1, threshold = 0;
  for (const auto& [candidate, ignored] : seen) {
    double positives = 0, negatives = 0, called = 0, cleared = 0;
    for (const auto& [p, ill] : seen) {
      (ill ? positives : negatives) += 1;
      if (ill && p >= candidate) ++called;
      if (!ill && p < candidate) ++cleared;
    }
    const double index = called / positives + cleared / negatives;
    if (index > best + 1e-12 || (index > best - 1e-12 && candidate > threshold)) threshold = candidate;
    best = std::max(best, index);
  }
  const json figures = json::parse(said({"evaluate", "r", "--split", "validation", "--json"}));
  EXPECT_EQ(figures["threshold"]["decision"], threshold);
  EXPECT_EQ(figures["positive_class"]["decision"], "case");
  EXPECT_NEAR(figures["sensitivity"].get<double>() + figures["specificity"].get<double>(), best, 1e-12);
  EXPECT_EQ(summary("r")["best_validation"]["sensitivity"], figures["sensitivity"]);
  for (const auto& row : predicted({"before.csv", "after.csv"}))
    if (row[0] != "id") {
      EXPECT_EQ(row[3], std::stod(row[2]) >= threshold ? "case" : "Control") << row[0];
    }
  EXPECT_EQ(json::parse(said({"evaluate", "half", "--json"}))["threshold"]["decision"], 0.5);
  EXPECT_CONTAINS(said({"evaluate", "half"}), "positive class                case, from a probability of 0.5 on\n");
  train("third", {"evaluate.threshold=0.3"});
  for (const auto& row : kept("third", 4))
    if (row[0] != "id") {
      EXPECT_EQ(row[3], std::stod(row[2]) >= 0.3 ? "case" : "Control") << row[0];
    }
  expect_refused(kUsage, train_arguments("c.toml", "none", {"evaluate.threshold=1.5"}), {"evaluate.threshold"});
  expect_refused(kUsage, train_arguments("c.toml", "none", {"evaluate.threshold=jouden"}), {"did you mean 'youden'?"});
}

}  // namespace
}  // namespace equipoise::testing
