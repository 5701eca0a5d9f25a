// tests/host/data/selection_test.cpp - columns of tables selected: scores beside scikit-learn's, and what the fit
// keeps.
#include "host/data/selection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "host/data/table/table.h"
#include "tests/host/data/select/select_columns.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;

const std::filesystem::path kDemoTables = EQUIPOISE_SOURCE_DIR "/tools/demo-data";
const std::filesystem::path kPbcTables = kDemoTables / "pbcseq";

std::vector<int> every_row(const RawCohort& cohort) {
  std::vector<int> rows(cohort.ids.size());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

Preprocess selected(const RawCohort& cohort, const SelectConfig& wanted, std::vector<std::string>* notices = nullptr) {
  const std::vector<int> rows = every_row(cohort);
  Preprocess preprocess = fit_preprocess(cohort, rows);
  select_features(cohort, rows, wanted, 1, preprocess, notices);
  return preprocess;
}

/// Scores by column of tests/data/select_reference.csv.
std::map<std::string, double> reference(const std::string& of_case, const std::string& method) {
  const Table table = read_table(EQUIPOISE_SOURCE_DIR "/tests/data/select_reference.csv");
  std::map<std::string, double> scores;
  for (int row = 0; row < table.rows(); ++row)
    if (table.at(row, 0) == of_case && table.at(row, 1) == method)
      scores[std::string(table.at(row, 2))] = parse_number(table.at(row, 3)).value;
  return scores;
}

/// Of the first view: [method][column].
std::map<std::string, double> scores_of(const Preprocess& preprocess) {
  const FittedView& view = preprocess.views.at(0);
  std::map<std::string, double> scores;
  for (std::size_t c = 0; c < view.columns.size(); ++c) scores[view.columns[c]] = view.selected.at(0).score[c];
  return scores;
}

// Columns are rounded to float32 after they are standardised, which moves a score by some 1e-6 of itself; correlations
// near 0, and an F that is, by as much of 1.
void expect_like(const std::map<std::string, double>& ours, const std::map<std::string, double>& theirs) {
  ASSERT_GT(theirs.size(), 5u);
  ASSERT_EQ(ours.size(), theirs.size());
  for (const auto& [column, score] : theirs) {
    ASSERT_TRUE(ours.contains(column)) << column;
    EXPECT_NEAR(ours.at(column), score, 2e-6 * std::max(1.0, std::fabs(score))) << column;
  }
}

struct ReferenceCase {
  const char* name;
  CohortSpec spec;
};

std::vector<ReferenceCase> cases_of_classes() {
  return {{"breast", {{kDemoTables / "breast_cancer/mean.csv"}, kDemoTables / "breast_cancer/outcome.csv"}},
          {"stage", {{kPbcTables / "before.csv"}, {}, "id", "stage"}}};
}

TEST(SelectionScores, AreThoseOfScikitLearnAndNumpyForTwoClassesAndForFour) {
  for (const ReferenceCase& of : cases_of_classes()) {
    const RawCohort cohort = read_cohort(of.spec);
    for (const std::string method : {"variance", "anova", "auc"}) {
      SCOPED_TRACE(std::string(of.name) + " " + method);
      expect_like(scores_of(selected(cohort, {{method}, 1000, "view"})), reference(of.name, method));
    }
  }
}

TEST(SelectionScores, AreThoseOfNumpyWhereColumnsCorrelate) {
  for (const ReferenceCase& of : cases_of_classes()) {
    SCOPED_TRACE(of.name);
    expect_like(scores_of(selected(read_cohort(of.spec), {{"correlation:most=0.9"}, 0, "view"})),
                reference(of.name, "correlation"));
  }
}

TEST(SelectionScores, AreThoseOfScikitLearnForANumber) {
  const RawCohort cohort =
      read_cohort({{kPbcTables / "before.csv"},
                   kPbcTables / "outcome.csv",
                   "id",
                   "",
                   parse_targets(std::vector<std::string>{"regression:time_days", "binary:sex"}, "data.tasks")});
  expect_like(scores_of(selected(cohort, {{"anova"}, 1000, "view"})), reference("days", "anova"));
}

class SelectedPbc : public ::testing::Test {
 protected:
  const RawCohort cohort_ =
      read_cohort({{kPbcTables / "before.csv", kPbcTables / "after.csv"}, kPbcTables / "outcome.csv"});
};

TEST_F(SelectedPbc, KeepsTheFitOfTheColumnsThatStayAndTheNamesOfTheOthers) {
  std::vector<std::string> notices;
  const Preprocess all = fit_preprocess(cohort_, every_row(cohort_), nullptr, {{"alk_phos", "log"}});
  Preprocess some = all;
  select_features(cohort_, every_row(cohort_), {{"anova"}, 3, "view"}, 1, some, &notices);
  ASSERT_EQ(some.views.size(), 2u);
  for (std::size_t v = 0; v < 2; ++v) {
    const FittedView &before = all.views[v], &after = some.views[v];
    ASSERT_EQ(after.columns.size(), 3u);
    EXPECT_EQ(after.dropped.size(), 9u);
    std::size_t next = 0;
    for (std::size_t c = 0; c < before.columns.size() && next < 3; ++c) {
      if (before.columns[c] != after.columns[next]) continue;
      EXPECT_EQ(after.median[next], before.median[c]);
      EXPECT_EQ(after.mean[next], before.mean[c]);
      EXPECT_EQ(after.scale[next], before.scale[c]);
      EXPECT_EQ(after.transform[next], before.transform[c]);
      ++next;
    }
    EXPECT_EQ(next, 3u) << "in the order of the table";
  }
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_CONTAINS(notices[0], "selected by the 250 training rows: 3 of 12 columns of ");
  EXPECT_CONTAINS(notices[0], "; 18 left out;");
  const Dataset data = apply(cohort_, some);
  EXPECT_EQ(data.features, (std::vector<int>{3, 3}));
}

TEST_F(SelectedPbc, IsToldOnceAndStillNamesColumnsThatNobodyKnows) {
  const Preprocess some = selected(cohort_, {{"anova"}, 3, "view"});
  std::vector<std::string> notices;
  apply(cohort_, some, &notices);
  EXPECT_TRUE(notices.empty()) << notices[0];
  RawCohort with = cohort_;
  with.views[0].columns[0] = "new";
  if (some.views[0].dropped[0] != "ascites") GTEST_FAIL() << "the column that is renamed here was kept";
  apply(with, some, &notices);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_CONTAINS(notices[0], ": 1 column not in the training data left out: new");
}

TEST_F(SelectedPbc, KeepsTheCountsOfItsColumns) {
  std::map<std::string, int> missing;  // counted in the table
  const RawView& view = cohort_.views[0];
  for (std::size_t i = 0; i < view.values.size(); ++i)
    missing[view.columns[i % view.columns.size()]] += std::isnan(view.values[i]) ? 1 : 0;
  const FittedView some = selected(cohort_, {{"anova"}, 6, "view"}).views[0];
  ASSERT_EQ(some.missing.size(), 6u);
  for (std::size_t c = 0; c < 6; ++c) EXPECT_EQ(some.missing[c], missing.at(some.columns[c])) << some.columns[c];
  EXPECT_GT(*std::max_element(some.missing.begin(), some.missing.end()), 0);
}

TEST_F(SelectedPbc, CountsColumnsOfAllViewsTogetherIfAsked) {
  const Preprocess each = selected(cohort_, {{"anova"}, 4, "view"}), all = selected(cohort_, {{"anova"}, 8, "all"});
  EXPECT_EQ(all.views[0].columns.size() + all.views[1].columns.size(), 8u);
  // The eight best of both: none that is left out in either view is better than one that is kept.
  double least = 1e300, most = 0;
  for (const FittedView& view : all.views)
    for (const double score : view.selected.at(0).score) least = std::min(least, score);
  const Preprocess everything = selected(cohort_, {{"anova"}, 24, "all"});
  for (std::size_t v = 0; v < 2; ++v)
    for (std::size_t c = 0; c < 12; ++c) {
      const std::vector<std::string>& dropped = all.views[v].dropped;
      if (std::find(dropped.begin(), dropped.end(), everything.views[v].columns[c]) != dropped.end())
        most = std::max(most, everything.views[v].selected[0].score[c]);
    }
  EXPECT_GT(least, most);
  EXPECT_NE(all.views[0].columns.size(), each.views[0].columns.size());
}

TEST_F(SelectedPbc, ReadsBackAsItWasWritten) {
  if (const std::string refused = testing::forest_refused(); !refused.empty()) GTEST_SKIP() << refused;
  const Preprocess some =
      selected(cohort_, {{"variance:least=1e-8", "correlation:most=0.95", "forest:trees=20"}, 5, "all"});
  EXPECT_EQ(some.views[0].selected.size(), 3u);
  EXPECT_EQ(some.views[0].selected[2].method, "forest:trees=20");
  EXPECT_EQ(preprocess_from_json(to_json(some), "p.json"), some);
}

TEST_F(SelectedPbc, IsRefusedWhereTheFileWasChanged) {
  using Json = nlohmann::ordered_json;
  const Json good = Json::parse(to_json(selected(cohort_, {{"anova"}, 3, "view"})));
  const auto said = [&](const auto& change) {
    Json bad = good;
    change(bad["views"][0]);
    return refusal(ExitCode::checkpoint, [&] { preprocess_from_json(bad.dump(), "p.json"); });
  };
  EXPECT_CONTAINS(said([](Json& view) { view["selected"][0]["score"].push_back(1.0); }), "one number per column");
  EXPECT_CONTAINS(said([](Json& view) { view["selected"][0]["score"][0] = nullptr; }), "p.json: ");
  EXPECT_CONTAINS(said([](Json& view) { view["dropped"][0] = view["columns"][0]; }), "a column that is kept");
  EXPECT_CONTAINS(said([](Json& view) { view.erase("dropped"); }), "p.json: ");
}

}  // namespace
}  // namespace equipoise
