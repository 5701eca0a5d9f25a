// tests/host/data/select/chain_test.cpp - what chains of methods keep of columns that are written out.
#include <gtest/gtest.h>

#include "tests/host/data/select/select_columns.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::columns_of;
using testing::kUnknown;
using testing::refusal;
using testing::run_chain;
using Places = std::vector<std::size_t>;

const SelectOutcome kTwoClasses{{0, 0, 0, 1, 1, 1}, 2};

// By hand, of rows 0 0 0 | 1 1 1: the second separates the classes, the third nearly does, the others do not.
const std::vector<std::vector<float>> kFour = {
    {0, 1, 2, 0, 1, 2}, {0, 1, 2, 3, 4, 5}, {0, 1, 3, 2, 4, 5}, {0, 1, 2, 0, 1, 3}};

TEST(SelectChain, KeepsTheColumnsOfTheLargestScoresInTheOrderOfTheTable) {
  const Selection best = run_chain(columns_of(kFour), kTwoClasses, {"auc"}, 2);
  EXPECT_EQ(best.kept, (Places{1, 2}));
  ASSERT_EQ(best.scores.size(), 1u);
  EXPECT_DOUBLE_EQ(best.scores[0][0], 1.0);
  EXPECT_DOUBLE_EQ(best.scores[0][1], 8.0 / 9);  // one of the nine pairs is the wrong way round
  EXPECT_EQ(run_chain(columns_of(kFour), kTwoClasses, {"auc"}, 9).kept, (Places{0, 1, 2, 3}));
}

TEST(SelectChain, KeepsTheEarlierOfEqualColumns) {
  const SelectColumns twins = columns_of({kFour[0], kFour[2], kFour[2], kFour[2], kFour[1]});
  for (const char* method : {"auc", "anova"})
    EXPECT_EQ(run_chain(twins, kTwoClasses, {method}, 3).kept, (Places{1, 2, 4})) << method;
}

TEST(SelectChain, LeavesRowsWithoutOutcomeOut) {
  const SelectColumns columns = columns_of({{0, 1, 2, 3, 4, 5, 0, 9}, {5, 4, 3, 3, 1, 0, 0, 0}});
  const SelectOutcome partly{{0, 0, 0, 1, 1, 1, kUnknown, kUnknown}, 2};
  for (const char* method : {"auc", "anova", "forest:trees=5"}) {
    if (method[0] == 'f' && !testing::forest_refused().empty()) continue;  // built without
    SelectColumns changed = columns;
    const auto scores = run_chain(changed, partly, {method}, 2).scores;
    for (const std::size_t place : {6u, 7u, 14u, 15u}) changed.values[place] = -77;
    EXPECT_EQ(run_chain(changed, partly, {method}, 2).scores, scores) << method;
    changed.values[5] = -77;
    EXPECT_NE(run_chain(changed, partly, {method}, 2).scores, scores) << method;
  }
}

TEST(SelectChain, DropsConstantColumnsByVarianceAndThoseBelowItsBound) {
  const SelectColumns columns = columns_of({{3, 3, 3, 3, 3, 3}, {0, 1, 0, 1, 0, 1}, {0, 4, 0, 4, 0, 4}});
  EXPECT_EQ(run_chain(columns, {}, {"variance"}, 0).kept, (Places{1, 2}));
  EXPECT_EQ(run_chain(columns, {}, {"variance:least=0.25"}, 0).kept, (Places{1, 2}));
  EXPECT_EQ(run_chain(columns, {}, {"variance:least=0.26"}, 0).kept, (Places{2}));
  EXPECT_EQ(run_chain(columns, {}, {"variance"}, 1).kept, (Places{2}));
}

TEST(SelectChain, OfTwoThatCorrelateKeepsTheBetterOrElseTheEarlier) {
  // the second is the third but for one row: r = .94; the fourth is the first upside down
  const SelectColumns columns =
      columns_of({{5, 1, 2, 2, 1, 5}, {0, 1, 3, 2, 4, 5}, {0, 1, 2, 3, 4, 5}, {-5, -1, -2, -2, -1, -5}});
  EXPECT_EQ(run_chain(columns, kTwoClasses, {"correlation:most=0.9"}, 0).kept, (Places{0, 1}));
  EXPECT_EQ(run_chain(columns, kTwoClasses, {"auc", "correlation:most=0.9"}, 0).kept, (Places{0, 2}));
  EXPECT_EQ(run_chain(columns, kTwoClasses, {"auc", "correlation:most=0.9"}, 1).kept, (Places{2}));
  EXPECT_EQ(run_chain(columns, kTwoClasses, {"correlation:most=0.95"}, 0).kept, (Places{0, 1, 2}));
}

TEST(SelectChain, TellsScoresOfEveryMethodAndHowManyEachLeft) {
  const Selection s =
      run_chain(columns_of(kFour), kTwoClasses, {"variance:keep=3", "auc:keep=2", "correlation:most=1"}, 1);
  EXPECT_EQ(s.left, (Places{3, 2, 1}));
  EXPECT_EQ(s.kept, (Places{1}));
  ASSERT_EQ(s.scores.size(), 3u);
  EXPECT_NEAR(s.scores[0][0], 35.0 / 12, 1e-6);  // of 0 to 5
  EXPECT_EQ(s.scores[1], (std::vector<double>{1.0}));
  EXPECT_EQ(s.scores[2], (std::vector<double>{0.0}));
}

TEST(SelectChain, OverAllViewsKeepsTheBestOfEachAtLeast) {
  const SelectColumns columns = columns_of({kFour[1], kFour[2], kFour[3], kFour[0], kFour[0]}, {0, 0, 0, 1, 1});
  EXPECT_EQ(run_chain(columns, kTwoClasses, {"auc"}, 2).kept, (Places{0, 3}));
  EXPECT_EQ(run_chain(columns, kTwoClasses, {"auc"}, 3).kept, (Places{0, 1, 3}));
  EXPECT_CONTAINS(refusal(ExitCode::usage, [&] { run_chain(columns, kTwoClasses, {"auc"}, 1); }),
                  "select.keep: 1 columns are kept of 2 views");
}

TEST(SelectChain, GivesColumnsThatTellEverythingTheLargestNumberAndConstantOnesNone) {
  const SelectColumns columns = columns_of({{0, 0, 0, 1, 1, 1}, {2, 2, 2, 2, 2, 2}, kFour[1]});
  const std::vector<double> scores = run_chain(columns, kTwoClasses, {"anova"}, 3).scores[0];
  EXPECT_EQ(scores[0], std::numeric_limits<double>::max());
  EXPECT_EQ(scores[1], 0);
  EXPECT_NEAR(scores[2], 13.5, 1e-6);  // between 13.5 of 1, within 4 of 4
  EXPECT_EQ(run_chain(columns, kTwoClasses, {"auc"}, 3).scores[0][1], 0.5);
}

TEST(SelectChain, ComparesNumbersByTheirCorrelation) {
  const SelectOutcome numbers{{1, 2, 3, 4, 5, kUnknown}, 0};
  const SelectColumns columns = columns_of({{2, 1, 4, 3, 5, 0}, {1, 2, 3, 4, 5, 9}, {1, 1, 1, 1, 1, 7}});
  const std::vector<double> scores = run_chain(columns, numbers, {"anova"}, 3).scores[0];
  EXPECT_NEAR(scores[0], 0.64 / 0.36 * 3, 1e-9);  // r = .8 of five rows
  EXPECT_EQ(scores[1], std::numeric_limits<double>::max());
  EXPECT_EQ(scores[2], 0);
}

TEST(SelectChain, RefusesOutcomesThatCannotBeComparedWith) {
  const SelectColumns columns = columns_of(kFour);
  const auto said = [&](ExitCode code, const SelectOutcome& outcome, const char* method) {
    return refusal(code, [&] { run_chain(columns, outcome, {method}, 2); });
  };
  EXPECT_CONTAINS(said(ExitCode::usage, {}, "anova"), "there is no label; select by variance or correlation");
  EXPECT_CONTAINS(said(ExitCode::usage, {{1, 2, 3, 4, 5, 6}, 0}, "auc"), "the first task has numbers");
  EXPECT_CONTAINS(said(ExitCode::data, {{0, 0, 0, 0, 0, 0}, 2}, "anova"), "has 6 training rows of 1 class to compare");
  EXPECT_CONTAINS(said(ExitCode::data, {{0, 1, kUnknown, kUnknown, kUnknown, kUnknown}, 2}, "auc"), "2 training rows");
  EXPECT_CONTAINS(said(ExitCode::data, {{1, 2, kUnknown, kUnknown, kUnknown, kUnknown}, 0}, "anova"),
                  "2 training rows with a target");
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { run_chain(columns, {}, {"variance:least=99"}, 0); }),
                  "view0.csv: 'variance:least=99' in select.methods leaves no column of it");
}

TEST(SelectChain, RefusesWhatIsNoMethodSettingOrNumber) {
  const auto said = [](const std::vector<std::string>& methods, int keep) {
    return refusal(ExitCode::usage, [&] { parse_select({methods, keep, "view"}, "select.methods"); });
  };
  EXPECT_CONTAINS(said({"forrest"}, 3), "select.methods 'forrest': 'forrest' is no method; did you mean 'forest'?");
  EXPECT_CONTAINS(said({"variance:most=1"}, 3), "variance has no key 'most'");
  EXPECT_CONTAINS(said({"correlation:most=1.5"}, 3), "most is 1.5 but must be from 0 to 1");
  EXPECT_CONTAINS(said({"forest:trees=2.5"}, 3), "trees is 2.5 but must be a whole number from 1 to 100000");
  EXPECT_CONTAINS(said({"forest:trees"}, 3), "a setting is written key=value");
  EXPECT_CONTAINS(said({"forest:trees=many"}, 3), "trees is 'many' but must be a number");
  EXPECT_CONTAINS(said({"variance:least=nan"}, 3), "must be from 0");
  EXPECT_CONTAINS(said({"anova:keep=3"}, 3), "what the last method keeps is select.keep");
  EXPECT_CONTAINS(said({"anova"}, 0), "say in select.keep how many are kept");
  EXPECT_CONTAINS(said({"anova", "forest"}, 3), "it ranks columns and drops none before 'forest'");
}

}  // namespace
}  // namespace equipoise
