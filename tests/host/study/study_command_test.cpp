// tests/host/study/study_command_test.cpp - studies by the built program: each member is what `train` makes of its
// config, and no row that is held out touches it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/host/study/study_fixture.h"

namespace equipoise::testing {
namespace {

namespace fs = std::filesystem;

TEST_F(Study, HasAMemberForEachFoldRepeatSeedAndSetting) {
  const std::string told = said(study("s"));
  EXPECT_CONTAINS(told, "24 members, 0 failed; 60 rows, 60 of them held out in 3 folds, 2 times");
  const auto members = table("s", "members.csv");
  ASSERT_EQ(members.size(), 25u);
  EXPECT_EQ(members[1][column(members, "optimizer.lr")], "1e-3");
  EXPECT_EQ(members[1][column(members, "seed")], "1");
  EXPECT_EQ(members[2][column(members, "seed")], "2");
  EXPECT_EQ(members[3][column(members, "optimizer.lr")], "1e-2");
  EXPECT_EQ(members[24][column(members, "repeat")], "2");
  EXPECT_EQ(members[24][column(members, "fold")], "3");
  const std::size_t chosen = column(members, "chosen"), outer = column(members, "outer_auc");
  for (std::size_t first = 1; first < 25; first += 4) {
    // One setting of the two, with both its seeds; outer figures stand beside these alone.
    EXPECT_EQ(members[first][chosen], members[first + 1][chosen]);
    EXPECT_NE(members[first][chosen], members[first + 2][chosen]);
    for (std::size_t m = first; m < first + 4; ++m) EXPECT_EQ(members[m][outer].empty(), members[m][chosen] == "0");
  }
  for (const std::string& name : members[0]) {
    if (!name.starts_with("inner_") || name == "inner_fold") continue;
    EXPECT_CONTAINS(name, "optimistic");
  }
}

TEST_F(Study, EveryPatientIsHeldOutOnceInEveryRepeat) {
  said(study("s"));
  const auto splits = table("s", "splits.csv"), predictions = table("s", "predictions.csv");
  std::map<std::pair<std::string, std::string>, std::string> fold_of;
  for (std::size_t row = 1; row < splits.size(); ++row) fold_of[{splits[row][0], splits[row][1]}] = splits[row][2];
  EXPECT_EQ(fold_of.size(), 120u);
  ASSERT_EQ(predictions.size(), 121u);
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t row = 1; row < predictions.size(); ++row) {
    const auto& cells = predictions[row];
    EXPECT_EQ(cells[2], (fold_of[{cells[0], cells[1]}]));
    EXPECT_TRUE(seen.insert({cells[0], cells[1]}).second);
  }
}

/// Share of pairs of a row of class 1 and one of class 0 that the first of is told a larger probability, ties one half.
double auc_by_pairs(const std::vector<std::pair<double, bool>>& rows) {
  double won = 0, pairs = 0;
  for (const auto& [p, positive] : rows)
    for (const auto& [q, other] : rows)
      if (positive && !other) pairs += 1, won += p > q ? 1 : p == q ? .5 : 0;
  return won / pairs;
}

TEST_F(Study, ItsFiguresAreThoseOfItsTables) {
  said(study("s"));
  const auto summary = nlohmann::json::parse(content_of(at("s") / "summary.json"));
  const auto predictions = table("s", "predictions.csv"), members = table("s", "members.csv");
  std::map<std::string, std::map<std::string, std::vector<std::pair<double, bool>>>> by_repeat_and_fold;
  for (std::size_t row = 1; row < predictions.size(); ++row)
    by_repeat_and_fold[predictions[row][1]][predictions[row][2]].emplace_back(
        std::stod(predictions[row][column(predictions, "probability_1")]),
        predictions[row][column(predictions, "label")] == "1");
  std::vector<double> of_repeats, of_folds;
  for (const auto& [repeat, folds] : by_repeat_and_fold) {
    double sum = 0;
    for (const auto& [fold, rows] : folds) of_folds.push_back(auc_by_pairs(rows)), sum += of_folds.back();
    of_repeats.push_back(sum / 3);
  }
  ASSERT_EQ(of_folds.size(), 6u);
  const auto& auc = summary["held_out"]["auc"];
  const double mean = (of_repeats[0] + of_repeats[1]) / 2;
  EXPECT_NEAR(auc["mean"].get<double>(), mean, 1e-12);
  EXPECT_NEAR(auc["repeats"][1].get<double>(), of_repeats[1], 1e-12);
  EXPECT_NEAR(auc["sd_over_repeats"].get<double>(), std::abs(of_repeats[0] - of_repeats[1]) / std::sqrt(2.0), 1e-12);
  // Nadeau and Bengio: 20 rows are held out, 30 train (a quarter of the 40 others validates), and t(.975, 5)
  // = 2.570582.
  double squares = 0;
  for (const double fold : of_folds) squares += (fold - mean) * (fold - mean);
  const double error = std::sqrt((1.0 / 6 + 20.0 / 30) * squares / 5);
  EXPECT_NEAR(auc["interval_95"][0].get<double>(), mean - 2.5705818366147395 * error, 1e-9);

  // Of each fold the setting whose seeds' mean inner figure is larger was chosen, the first of equal ones.
  const std::size_t inner = column(members, "inner_auc_optimistic"), chosen = column(members, "chosen");
  double difference = 0, of_first = 0, of_second = 0, single = 0;
  for (std::size_t m = 1; m < members.size(); m += 4) {
    const auto mean_of = [&](std::size_t at) {
      return (std::stod(members[at][inner]) + std::stod(members[at + 1][inner])) / 2;
    };
    const bool first = mean_of(m) >= mean_of(m + 2);
    EXPECT_EQ(members[m][chosen], first ? "1" : "0");
    of_first += mean_of(m) / 6;
    of_second += mean_of(m + 2) / 6;
    for (const std::size_t at : {m, m + 1, m + 2, m + 3})
      if (members[at][chosen] == "1") single += std::stod(members[at][column(members, "outer_auc")]) / 12;
  }
  difference = std::min(of_first, of_second) - std::max(of_first, of_second);
  EXPECT_NEAR(auc["single_members"].get<double>(), single, 1e-12);
  EXPECT_EQ(summary["best_setting"].get<int>(), of_first >= of_second ? 1 : 2);
  const auto& other = summary["settings"][of_first >= of_second ? 1 : 0];
  EXPECT_NEAR(other["inner_auc_optimistic"].get<double>(), std::min(of_first, of_second), 1e-12);
  EXPECT_NEAR(other["against_best"]["difference_optimistic"].get<double>(), difference, 1e-12);
}

TEST_F(Study, DecidesByTheMeanOfItsMembersThresholds) {
  said(study("half"));
  said(study("third", {"--set", "evaluate.threshold=0.3"}));
  const auto half = table("half", "predictions.csv"), third = table("third", "predictions.csv");
  const auto asked = cells_of(said({"predict", "third", "--views", "features.csv", "--device", "cpu"}));
  const std::size_t p = column(half, "probability_1"), decision = column(half, "decision");
  int between = 0;
  for (std::size_t row = 1; row < half.size(); ++row) {
    const double probability = std::stod(half[row][p]);
    EXPECT_EQ(half[row][decision], probability >= .5 ? "1" : "0");
    EXPECT_EQ(third[row][decision], probability >= .3 ? "1" : "0");
    between += probability >= .3 && probability < .5;
  }
  EXPECT_GT(between, 0) << "or the two thresholds cannot be told apart";
  for (std::size_t row = 1; row < asked.size(); ++row)
    EXPECT_EQ(asked[row][3], std::stod(asked[row][2]) >= .3 ? "1" : "0");
}

TEST_F(Study, TellsOfRowsThatAreThereTwice) {
  std::ofstream(at("features.csv"), std::ios::app)
      << "p999"
      << content_of(at("features.csv"))
             .substr(content_of(at("features.csv")).find("p105") + 4,
                     content_of(at("features.csv")).find("p106") - content_of(at("features.csv")).find("p105") - 4);
  std::ofstream(at("outcome.csv"), std::ios::app) << "p999,100,1000,no,II,0\n";
  EXPECT_CONTAINS(run(study("s")).log, "1 pair of patients have the same values in every view ('p105' and 'p999')");
}

TEST_F(Study, GoesOnWithoutAMemberThatDiverged) {
  const Finished f = run({"cross-validate", "c.toml", "--device", "cpu", "--out", "s", "--folds", "3", "--grid",
                          "optimizer.lr=1e-3,1e30"});
  EXPECT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.out, "6 members, 3 failed");
  const auto members = table("s", "members.csv");
  for (std::size_t m = 1; m < members.size(); ++m) {
    EXPECT_EQ(members[m][column(members, "failure")].empty(), m % 2 == 1);
    EXPECT_EQ(members[m][column(members, "chosen")], m % 2 == 1 ? "1" : "0");
  }
}

TEST_F(Study, EveryMemberIsWhatTrainMakesOfItsConfig) {
  said(study("s"));
  const auto members = table("s", "members.csv");
  for (const int number : {1, 8, 15, 22}) {
    const auto& row = members[static_cast<std::size_t>(number)];
    const std::string out = "alone" + std::to_string(number);
    const std::string folds = (at("s") / "splits.csv").string();
    said(train_arguments(
        "c.toml", out,
        {"data.split=" + folds, "data.repeat=" + row[column(members, "repeat")],
         "data.fold=" + row[column(members, "fold")], "optimizer.lr=" + row[column(members, "optimizer.lr")],
         "train.seed=" + row[column(members, "seed")]}));
    const TensorFile alone = read_safetensors(at(out) / "model.safetensors");
    ASSERT_FALSE(alone.tensors.empty());
    for (const auto& [name, tensor] : alone.tensors)
      EXPECT_EQ(of_member("s", number, name), tensor.to_floats()) << name;
    EXPECT_EQ(std::to_string(summary(out)["best_epoch"].get<int>()), row[column(members, "best_epoch")]);
    if (row[column(members, "chosen")] == "1") {
      const auto judged = nlohmann::json::parse(said({"evaluate", out, "--split", "test", "--json"}));
      EXPECT_EQ(std::stod(row[column(members, "outer_auc")]), judged["auc"].get<double>());
    }
  }
}

/// The outcome with the label of every patient of one fold turned, and the features with other values there.
void change_fold(const fs::path& home, const fs::path& splits, const std::string& fold) {
  std::set<std::string> ids;
  std::istringstream lines(content_of(splits));
  for (std::string line; std::getline(lines, line);)
    if (line.ends_with("," + fold)) ids.insert(line.substr(0, line.find(',')));
  for (const char* file : {"outcome.csv", "features.csv"}) {
    std::istringstream text(content_of(home / file));
    std::ofstream changed(home / file, std::ios::binary);
    for (std::string line; std::getline(text, line);) {
      if (ids.contains(line.substr(0, line.find(',')))) {
        char& last = line.back();
        if (std::string_view(file) == "outcome.csv") last = last == '0' ? '1' : '0';
        else line = line.substr(0, line.rfind(',')) + ",7.5";  // far from the values of before
      }
      changed << line << '\n';
    }
  }
}

TEST_F(Study, WhatIsHeldOutMovesNoBitOfTheMembersWithoutIt) {
  said(study("first"));
  fs::copy_file(at("first") / "splits.csv", home_.path() / "folds.csv");
  const std::vector<std::string> with_folds = {"--set", "data.split=folds.csv"};
  const auto once = [&](const std::string& out) {
    std::vector<std::string> arguments = {
        "cross-validate",        "c.toml", "--device", "cpu", "--out", out, "--seeds", "2", "--grid",
        "optimizer.lr=1e-3,1e-2"};
    arguments.insert(arguments.end(), with_folds.begin(), with_folds.end());
    return arguments;
  };
  said(once("before"));
  // Fold 2 of repeat 1 alone: its rows are in other folds in repeat 2.
  {
    std::istringstream lines(content_of(home_.path() / "folds.csv"));
    std::ofstream first(home_.path() / "first.csv");
    for (std::string line; std::getline(lines, line);)
      if (line.find(",1,") != std::string::npos) first << line << '\n';
  }
  change_fold(home_.path(), home_.path() / "first.csv", "2");
  said(once("after"));
  const auto members = table("before", "members.csv");
  int without = 0, with = 0, moved = 0;
  for (std::size_t m = 1; m < members.size(); ++m) {
    if (members[m][column(members, "repeat")] != "1") continue;
    const bool held_out = members[m][column(members, "fold")] == "2";
    const int number = std::stoi(members[m][0]);
    const auto name = read_safetensors(at("before") / "members.safetensors").tensors.begin()->first;
    const bool same = of_member("before", number, name) == of_member("after", number, name);
    if (held_out) {
      EXPECT_TRUE(same) << "member " << number << " learned from rows that it does not train on";
      EXPECT_EQ(members[m][column(members, "inner_auc_optimistic")],
                table("after", "members.csv")[m][column(members, "inner_auc_optimistic")]);
      ++without;
    } else {
      ++with;
      moved += same ? 0 : 1;
    }
  }
  EXPECT_EQ(without, 4);
  EXPECT_EQ(moved, with) << "the change was to be seen where the rows train";
}

TEST_F(Study, PredictsByTheMeanOfItsChosenMembers) {
  said(study("s"));
  const auto members = table("s", "members.csv");
  const auto told = cells_of(said({"predict", "s", "--views", "features.csv", "--device", "cpu"}));
  ASSERT_EQ(told.size(), 61u);
  const std::size_t p = 2;  // id, probability of class 0, of class 1
  std::vector<double> sum(60, 0.0), squares(60, 0.0);
  int count = 0;
  for (std::size_t m = 1; m < members.size(); ++m) {
    if (members[m][column(members, "chosen")] != "1") continue;
    const std::string run = "m" + members[m][0];
    said({"member", "s", members[m][0], "--out", run, "--device", "cpu"});
    const auto alone = cells_of(said({"predict", run, "--views", "features.csv", "--device", "cpu"}));
    for (std::size_t row = 0; row < 60; ++row) {
      const double x = std::stod(alone[row + 1][p]);
      sum[row] += x;
      squares[row] += x * x;
    }
    ++count;
  }
  EXPECT_EQ(count, 12);
  for (std::size_t row = 0; row < 60; ++row) {
    EXPECT_NEAR(std::stod(told[row + 1][p]), sum[row] / count, 1e-12);
    const double variance = (squares[row] - sum[row] * sum[row] / count) / (count - 1);
    EXPECT_NEAR(std::stod(told[row + 1].back()), std::sqrt(variance), 1e-6);
  }
  const auto judged = nlohmann::json::parse(
      said({"evaluate", "s", "--views", "features.csv", "--outcome", "outcome.csv", "--json", "--device", "cpu"}));
  EXPECT_EQ(judged["members"], 12);
  EXPECT_GT(judged["auc"].get<double>(), .5);
  EXPECT_CONTAINS(said({"evaluate", "s"}), "held-out rows");
  const auto embedded = cells_of(said({"embed", "s", "--views", "features.csv", "--device", "cpu"}));
  EXPECT_EQ(embedded.size(), 61u);
  EXPECT_TRUE(embedded[0][1].starts_with("member")) << embedded[0][1];
}

TEST_F(Study, WithoutASoundMemberEndsAsATrainingThatFailed) {
  const Finished f =
      run({"cross-validate", "c.toml", "--device", "cpu", "--out", "s", "--folds", "3", "--set", "optimizer.lr=1e30"});
  EXPECT_EQ(f.code, kNumerics);
  EXPECT_CONTAINS(f.log, "3 of 3 members cannot be relied on");
}

TEST_F(Study, TellsNoMeanOfLatents) {
  home_.write("v.toml", kSmallVaegan);
  said({"cross-validate", "v.toml", "--device", "cpu", "--out", "v", "--folds", "3", "--seeds", "2"});
  const auto predictions = table("v", "predictions.csv");
  EXPECT_EQ(predictions.size(), 61u);
  for (const std::string& name : predictions[0]) EXPECT_FALSE(name.starts_with("latent")) << name;
  const auto told = cells_of(said({"predict", "v", "--views", "features.csv", "--device", "cpu"}));
  EXPECT_EQ(told[0], (std::vector<std::string>{"id", "reconstruction_error", "discriminator_real",
                                               "reconstruction_error_sd", "discriminator_real_sd"}));
}

TEST_F(Study, SweepsSettingsOnOneSplit) {
  const std::string told = said({"sweep", "c.toml", "--device", "cpu", "--out", "s", "--seeds", "2", "--grid",
                                 "balance.methods=gradnorm,equal,mgda"});
  EXPECT_CONTAINS(told, "6 members, 0 failed");
  EXPECT_CONTAINS(told, "optimistic");
  const auto members = table("s", "members.csv");
  ASSERT_EQ(members.size(), 7u);
  EXPECT_CONTAINS(members[3][column(members, "balance.methods")], "equal");
  const std::string fixed = said({"sweep", "c.toml", "--device", "cpu", "--out", "f", "--fixed-weights", "5"});
  EXPECT_CONTAINS(fixed, "6 members, 0 failed") << "5 = 3+1+1 = 2+2+1 in six orders";
}

TEST_F(Study, ChoosesByInnerFolds) {
  said({"cross-validate", "c.toml", "--device", "cpu", "--out", "s", "--folds", "3", "--inner-folds", "2", "--grid",
        "optimizer.lr=1e-3,1e-2"});
  const auto members = table("s", "members.csv");
  ASSERT_EQ(members.size(), 1u + 3 * 2 * 2);
  EXPECT_EQ(members[1][column(members, "inner_fold")], "1");
  EXPECT_EQ(members[3][column(members, "inner_fold")], "2");
  said({"member", "s", "4", "--out", "run", "--device", "cpu"});
}

}  // namespace
}  // namespace equipoise::testing
