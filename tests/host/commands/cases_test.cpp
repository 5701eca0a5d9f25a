// tests/host/commands/cases_test.cpp - tables as people have them (tests/data/cases), trained on by the program: what
// it says of them and how it splits them, worked out by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/host/commands/program_run.h"

namespace equipoise::testing {
namespace {

using nlohmann::json;

class TableCases : public ProgramRun {
 protected:
  void SetUp() override {
    std::filesystem::copy(EQUIPOISE_SOURCE_DIR "/tests/data/cases", at("cases"),
                          std::filesystem::copy_options::recursive);
  }
  /// Standard error of a training that must end well.
  std::string told(const std::string& name, const std::vector<std::string>& settings = {},
                   const std::string& folder = "") const {
    const Finished f = run(train_arguments("cases/" + name + "/c.toml", folder.empty() ? name : folder, settings));
    EXPECT_EQ(f.code, 0) << f.log;
    return f.log;
  }
  void expect_refused_case(const std::string& name, const std::vector<std::string>& settings,
                           const std::vector<std::string>& parts, int code = kData) const {
    expect_refused(code, train_arguments("cases/" + name + "/c.toml", "refused", settings), parts);
    EXPECT_FALSE(std::filesystem::exists(at("refused")));
  }
  /// Patients of each part.
  std::map<std::string, std::set<std::string>> parts(const std::string& folder) const {
    std::map<std::string, std::set<std::string>> of;
    for (const auto& line : cells_of(content_of(at(folder) / "split.csv"))) of[line[2]].insert(line[0]);
    return of;
  }
  json classes(const std::string& folder, int target) const {
    return json::parse(
        content_of(at(folder) / "preprocess.json"))["targets"][static_cast<size_t>(target)]["class_names"];
  }
};

TEST_F(TableCases, MinusOneIsAClassOfATask) {
  EXPECT_CONTAINS(told("change"), "change: -1 (10), 0 (10), 1 (10), 0 without\n");
  EXPECT_CONTAINS(told("change", {"data.unlabelled=-1"}, "declared"),
                  "10 cells of 'change' say '-1', which data.unlabelled names: unlabelled\nchange: 0 (10), 1 (10), 10 "
                  "without\n");
}

TEST_F(TableCases, ACopyOfTheAnswerIsRefusedByNameAndByItsLevels) {
  expect_refused_case("leak", {},
                      {"features.csv: the feature 'Outcome' is named like 'outcome'", "data.allow = [\"Outcome\"]",
                       "the 2 levels of the feature 'ward' tell the class of 'died' in all 36 training rows"});
  expect_refused_case("leak", {"data.allow=[\"Outcome\"]"}, {"feature 'ward'"});
  told("leak", {"data.allow=[\"Outcome\", \"w*\"]"});
  expect_refused_case("leak", {"data.allow=[\"Wart\"]"}, {"no feature fits 'Wart'; did you mean 'ward'?"}, kUsage);
}

TEST_F(TableCases, AClassOfOneRowIsNamedByItsText) {
  expect_refused_case("grade", {},
                      {"the class '9' of 'grade' has 1 row for 3 parts (train, validation, test); all classes: 2 (9), "
                       "3 (8), 4 (7), 9 (1); join it with another class, or set data.validation or data.test to 0"});
  EXPECT_CONTAINS(told("grade", {"data.validation=0.0", "data.test=0.0"}),
                  "grade: 2 (9), 3 (8), 4 (7), 9 (1), 0 without");
}

TEST_F(TableCases, ThePositiveClassIsSaidAndCanBeChosen) {
  EXPECT_CONTAINS(told("positive"), "label: relapse (10), remission (30, positive), 0 unlabelled\n");
  EXPECT_CONTAINS(told("positive", {"data.positive=relapse"}, "chosen"),
                  "label: remission (30), relapse (10, positive), 0 unlabelled\n");
  const auto sorted = json::parse(said({"evaluate", "positive", "--split", "train", "--json"}));
  const auto chosen = json::parse(said({"evaluate", "chosen", "--split", "train", "--json"}));
  // 6 of the 24 training rows relapsed. One class of two is told by each model: sensitivity is of the positive one.
  for (const auto& [figures, positives] : {std::pair{sorted, 18.0}, {chosen, 6.0}}) {
    const double sensitivity = figures["sensitivity"], specificity = figures["specificity"];
    EXPECT_NEAR(figures["accuracy"].get<double>(), (sensitivity * positives + specificity * (24 - positives)) / 24,
                1e-12);
  }
  EXPECT_EQ(summary("chosen")["data"]["classes"], (json{"remission", "relapse"}));
  expect_refused_case("positive", {"data.positive=relaps"},
                      {"data.positive: 'relaps' is no class of the column 'label'; did you mean 'relapse'?"});
}

TEST_F(TableCases, SharesHoldWhereFewRowsHaveTheFirstTasksClass) {
  EXPECT_CONTAINS(told("sparse"), "biopsy: neg (5), pos (5, positive), 50 without\n");
  const auto of = parts("sparse");
  EXPECT_EQ(of.at("validation").size(), 18u);
  EXPECT_EQ(of.at("test").size(), 12u);
}

TEST_F(TableCases, ASlipOfThePenIsNamedClippedOrRefused) {
  // The 50 weights have the median 70.65 and the MAD 3.95: (7150 - 70.65) / (1.4826 * 3.95) = 1208.9.
  const std::string named = "features.csv: 7150 of s21 in 'weight' is 1.21e+03 robust deviations from the median 70.65";
  EXPECT_CONTAINS(told("slip"), named);
  EXPECT_CONTAINS(told("slip", {"data.outliers=clip"}, "clipped"), "; clipped there (data.outliers)");
  expect_refused_case("slip", {"data.outliers=refuse"}, {named});
  const auto scale = [&](const std::string& folder) {
    return json::parse(content_of(at(folder) / "preprocess.json"))["targets"][0]["scale"][0].get<double>();
  };
  EXPECT_GT(scale("slip"), 900);  // 7079 / sqrt(50) = 1001
  EXPECT_LT(scale("clipped"), 30);
  said({"evaluate", "clipped", "--split", "train"});
  const Finished again = run({"train", "--resume", "--out", "clipped"});
  EXPECT_EQ(again.code, 0) << again.log;
}

TEST_F(TableCases, ColumnsOfOneTaskAreJudgedEachInItsUnits) {
  told("columns");
  const json got = json::parse(said({"evaluate", "columns", "--split", "test", "--json"}));
  std::map<std::string, std::pair<double, double>> truth;
  for (const auto& line : cells_of(content_of(at("cases/columns/features.csv"))))
    if (line[0] != "id") truth[line[0]] = {std::stod(line[3]), std::stod(line[4])};
  for (const bool crp : {false, true}) {
    double squares = 0, absolute = 0, sum = 0, spread = 0;
    std::vector<double> known;
    for (const auto& line : cells_of(content_of(at("columns") / "predictions.csv"))) {
      if (line[1] != "test") continue;
      const double y = crp ? truth[line[0]].second : truth[line[0]].first, off = std::stod(line[crp ? 4 : 3]) - y;
      squares += off * off;
      absolute += std::fabs(off);
      sum += y;
      known.push_back(y);
    }
    ASSERT_EQ(known.size(), 8u);
    for (const double y : known) spread += (y - sum / 8) * (y - sum / 8);
    const std::string name = crp ? "sodium.crp" : "sodium.sodium";
    // Targets and answers are float32 of standardised values: seven digits of values up to 150.
    EXPECT_NEAR(got[name + ".rmse"].get<double>(), std::sqrt(squares / 8), 1e-4) << name;
    EXPECT_NEAR(got[name + ".mae"].get<double>(), absolute / 8, 1e-4) << name;
    EXPECT_NEAR(got[name + ".r2"].get<double>(), 1 - squares / spread, 1e-4) << name;
  }
  EXPECT_TRUE(got.contains("sodium.r2")) << "the pooled one stays";
  const std::string text = said({"evaluate", "columns", "--split", "test"});
  EXPECT_CONTAINS(text, "(in the data's units)");
  EXPECT_CONTAINS(text, "(of standardised values)");
}

TEST_F(TableCases, NamesMayHoldCommas) {
  EXPECT_CONTAINS(told("comma"), "margin (R0, R1): R0 (15), R1 (15, positive), 0 without\n");
  EXPECT_CONTAINS(
      content_of(at("comma") / "predictions.csv"),
      "id,fold,seed,\"margin (R0, R1)_R0\",\"margin (R0, R1)_R1\",\"length, mm\",width,\"decision_margin (R0, R1)\"\n");
  said({"evaluate", "comma", "--split", "test"});
  expect_refused_case("comma", {"data.tasks=[\"binary:margin (R0, R2)\"]"}, {"a binary task has one column"}, kUsage);
  expect_refused_case("comma", {"data.tasks=['regression:\"length, mm,width']"}, {"a quote is in the wrong place"},
                      kUsage);
}

TEST_F(TableCases, CodesBeyondTheWholeNumbersOfFloatsAreTwoClasses) {
  EXPECT_CONTAINS(told("pandas_codes"),
                  "module: 900000000000207008 (16), 900000000000207009 (16, positive), 8 without\n");
  EXPECT_EQ(classes("pandas_codes", 0), (json{"900000000000207008", "900000000000207009"}));
}

TEST_F(TableCases, WholeNumbersWrittenAsFloatsAreTheirClasses) {
  EXPECT_CONTAINS(told("pandas_floats"), "stage: 1 (12), 2 (12), 3 (12), 4 without\n");
  EXPECT_CONTAINS(told("r_numbers"), "zone: 100000 (13), 200000 (13, positive), 4 without\n");
}

TEST_F(TableCases, ThePositiveClassOfATaskIsNamedWithItOrAlone) {
  const std::string expected = "zone: 200000 (13), 100000 (13, positive), 4 without\n";
  EXPECT_CONTAINS(told("r_numbers", {"data.positive=1e+05"}, "alone"), expected);
  EXPECT_CONTAINS(told("r_numbers", {"data.positive={zone = 100000}"}, "table"), expected);
  EXPECT_EQ(classes("alone", 0), (json{"200000", "100000"}));
  expect_refused_case("r_numbers", {"data.positive=[\"zon=100000\"]"},
                      {"'zon=100000' is no class of the column 'zone'"});
  expect_refused_case("change", {"data.positive=1"}, {"has no column of two classes"}, kUsage);
}

TEST_F(TableCases, AColumnThatNoTrainingRowKnowsChangesNothing) {
  told("columns");
  const std::string tested = *parts("columns").at("test").begin();
  std::string wider;
  for (const std::string& line : lines_of(content_of(at("cases/columns/features.csv"))))
    wider += line + (line.starts_with("id,") ? ",rare\n" : line.starts_with(tested + ",") ? ",5\n" : ",\n");
  home_.write("cases/columns/features.csv", wider);
  EXPECT_CONTAINS(told("columns", {}, "wider"),
                  "features.csv: 1 column without a value in any training row left out: rare\n");
  EXPECT_EQ(summary("wider")["hash"], summary("columns")["hash"]);
  EXPECT_CONTAINS(run({"evaluate", "wider", "--split", "test"}).out, "sodium.crp.rmse");
}

TEST_F(TableCases, WordsOfOtherProgramsForMissingValuesAreKnown) {
  EXPECT_CONTAINS(told("sas_points"), "resp: 0 (10), 1 (15), 5 without\n");
  EXPECT_CONTAINS(told("sheet"), "arm: FALSCH (11), WAHR (15, positive), 4 without\n");
  const std::string codes = told("codes");
  EXPECT_CONTAINS(codes, "centre: 1 (10), 01 (10), 10 (10), 0 without\n");
  EXPECT_CONTAINS(codes, "smoker: 0 (12), 1 (15), 3 without\n");
  // 999 in the rows 13 and 26 is missing: no value of u is far from the others.
  EXPECT_EQ(codes.find("robust deviations"), std::string::npos) << codes;
  EXPECT_CONTAINS(told("codes", {"data.missing=[\"gone\"]", "data.validation=0.0", "data.test=0.0"}, "kept"),
                  "999 of s14 in 'u'");
}

TEST_F(TableCases, FoldsAndRepeatsOfATableAreUsed) {
  expect_refused_case("folds", {}, {"split.csv: the table holds 2 repeats (1, 2); choose one by data.repeat"});
  expect_refused_case("folds", {"data.repeat=2"}, {"the folds are 0, 1, 2, 3, 4, not train", "data.fold"});
  told("folds", {"data.repeat=2", "data.fold=4"});
  std::set<std::string> expected;
  for (const auto& line : cells_of(content_of(at("cases/folds/split.csv"))))
    if (line[1] == "2" && line[2] == "4") expected.insert(line[0]);
  const auto of = parts("folds");
  EXPECT_EQ(of.at("test"), expected);
  EXPECT_EQ(of.at("validation").size(), 8u);  // a quarter of 32
  expect_refused_case("change", {"data.fold=1"}, {"data.fold chooses from the table of data.split"}, kUsage);
}

TEST_F(TableCases, VisitsOfAPatientStayTogetherAndTheirColumnIsNoFeature) {
  const std::string log = told("visits");
  EXPECT_CONTAINS(log, "data: 60 rows, 2 columns;");
  std::map<std::string, int> visits;
  std::size_t whole = 0;
  for (const auto& [part, ids] : parts("visits")) {
    std::set<std::string> patients;
    for (const std::string& id : ids) patients.insert(id.substr(0, 3));
    for (const std::string& patient : patients) whole += ++visits[patient] == 1 && patient != "id";
  }
  EXPECT_EQ(whole, 24u);
  for (const auto& [patient, times] : visits) EXPECT_EQ(times, 1) << patient;
  expect_refused_case("visits", {"data.group=patient"}, {"there is no column 'patient' of groups", "patient_no"});
}

TEST_F(TableCases, WithoutALabelNothingIsClassified) {
  const std::vector<std::string> none{"data.label="};
  const Finished f = run(train_arguments("cases/positive/c.toml", "none", none));
  ASSERT_EQ(f.code, 0) << f.log;
  const std::string config = content_of(at("none") / "config.toml");
  EXPECT_CONTAINS(config, "losses = [\"reconstruction\", \"inherent_variational\"]\n");
  EXPECT_CONTAINS(config, "monitor = \"loss\"\n");
  EXPECT_EQ(cells_of(content_of(at("none") / "predictions.csv"))[0],
            (std::vector<std::string>{"id", "fold", "seed", "label"}));
  said({"evaluate", "none", "--split", "test"});
  expect_refused(kUsage,
                 train_arguments("cases/positive/c.toml", "x",
                                 {"data.label=", "model.losses=[\"reconstruction\", \"classification\"]"}),
                 {"model.losses names a loss that learns the label, and data.label is \"\""});
}

}  // namespace
}  // namespace equipoise::testing
