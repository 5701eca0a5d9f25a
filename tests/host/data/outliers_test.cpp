// tests/host/data/outliers_test.cpp - distances by median and MAD against hand-made columns.
#include "host/data/outliers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "host/data/known_columns.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;

/// Nine values 1..9 (median 5, deviations 4 3 2 1 0 1 2 3 4: MAD 2, so one robust deviation is 2.9652) and others.
RawCohort nine_and(const std::vector<double>& others) {
  RawCohort cohort;
  RawView view{"v.csv", {"x"}, {1, 2, 3, 4, 5, 6, 7, 8, 9}};
  view.values.insert(view.values.end(), others.begin(), others.end());
  for (size_t row = 0; row < view.values.size(); ++row) cohort.ids.push_back("p" + std::to_string(row));
  cohort.label.assign(cohort.ids.size(), -1);
  cohort.views = {view};
  return cohort;
}

std::vector<int> rows_to(int last) {
  std::vector<int> rows;
  for (int row = 0; row <= last; ++row) rows.push_back(row);
  return rows;
}

TEST(Outliers, AreToldInRobustUnits) {
  RawCohort cohort = nine_and({5, 1000});  // median still 5; deviations 0 0 1 1 2 2 3 3 4 4 995: MAD 2
  std::vector<std::string> notices;
  treat_outliers(cohort, rows_to(10), "tell", {}, notices);
  ASSERT_EQ(notices.size(), 1u);  // 995 / 2.9652 = 335.56
  EXPECT_EQ(
      notices[0],
      "v.csv: 1000 of p10 in 'x' is 336 robust deviations from the median 5; where these are slips, correct them, "
      "or set data.outliers = \"clip\" or \"refuse\"");
  EXPECT_EQ(cohort.views[0].values[10], 1000);
}

TEST(Outliers, BeginBeyondThirtyRobustDeviations) {
  for (const auto& [value, found] :
       {std::pair{5 + 88.9, 0u}, {5 + 89.0, 1u}, {5 - 89.0, 1u}}) {  // 30 * 2.9652 = 88.956
    RawCohort cohort = nine_and({5, value});
    std::vector<std::string> notices;
    treat_outliers(cohort, rows_to(10), "tell", {}, notices);
    EXPECT_EQ(notices.size(), found) << value;
  }
}

TEST(Outliers, AreClippedInTrainingRowsAlone) {
  RawCohort cohort = nine_and({5, 1000, -2000});
  std::vector<std::string> notices;
  const Outliers found = treat_outliers(cohort, rows_to(10), "clip", {}, notices);
  EXPECT_NEAR(found.views.at(0).low.at(0), 5 - 30 * 2.9652, 1e-9);
  EXPECT_NEAR(found.views.at(0).high.at(0), 5 + 30 * 2.9652, 1e-9);
  EXPECT_EQ(found.views.at(0).far, std::vector<int>{1}) << "the other is no training row";
  EXPECT_NEAR(cohort.views[0].values[10], 5 + 30 * 2.9652, 1e-9);
  EXPECT_EQ(cohort.views[0].values[11], -2000) << "a row that tests";
  EXPECT_CONTAINS(notices.at(0), "; clipped there (data.outliers)");
}

TEST(Outliers, AreRefusedWhereThatIsAskedFor) {
  RawCohort cohort = nine_and({5, 1000});
  std::vector<std::string> notices;
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { treat_outliers(cohort, rows_to(10), "refuse", {}, notices); }),
                  "v.csv: 1000 of p10 in 'x'");
  RawCohort sound = nine_and({5});
  treat_outliers(sound, rows_to(9), "refuse", {}, notices);
  EXPECT_TRUE(notices.empty());
}

TEST(Outliers, NameTheFarthestFiveAndCountTheOthers) {
  std::vector<double> more{1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9};  // median 6, MAD 3 of all 34
  for (int i = 0; i < 7; ++i) more.push_back(1e4 * (i + 1));
  RawCohort cohort = nine_and(more);
  std::vector<std::string> notices;
  const Outliers found = treat_outliers(cohort, rows_to(33), "tell", {}, notices);
  EXPECT_EQ(found.views.at(0).far, std::vector<int>{7});
  EXPECT_TRUE(found.views.at(0).low.empty()) << "nothing is clipped";
  EXPECT_EQ(notices.at(0).find("v.csv: 70000 of p33 in 'x'"), 0u) << notices[0];
  EXPECT_CONTAINS(notices[0], "30000 of p29");
  EXPECT_EQ(notices[0].find("20000 of p28"), std::string::npos);
  EXPECT_CONTAINS(notices[0], "; and 2 more values beyond 30;");
}

TEST(Outliers, AreJudgedAfterTheTransform) {
  RawCohort cohort = nine_and({5, 1000});
  std::vector<std::string> notices;
  treat_outliers(cohort, rows_to(10), "tell", {{"x", "log"}}, notices);
  EXPECT_TRUE(notices.empty()) << notices[0];  // log 1000 is 5.3 from log 5, and the MAD of the logs above 0.2
}

TEST(Outliers, OfAColumnThatIsMostlyOneValueAreNotJudged) {
  RawCohort cohort = nine_and(std::vector<double>(12, 5));
  cohort.views[0].values[0] = 1e6;
  std::vector<std::string> notices;
  treat_outliers(cohort, rows_to(20), "tell", {}, notices);
  EXPECT_TRUE(notices.empty());
}

TEST(Outliers, OfTargetsOfNumbersAreToldAndClassesAreNot) {
  RawCohort cohort = nine_and({5, 6});
  const std::vector<double> values{1, 2, 3, 4, 5, 6, 7, 8, 9, NAN, -400};
  cohort.targets = {{"o.csv", &regression(), {"stay"}, values, {}},
                    {"o.csv", &multiclass(), {"k"}, values, {"a", "b"}}};
  std::vector<std::string> notices;
  EXPECT_EQ(treat_outliers(cohort, rows_to(10), "tell", {}, notices).targets,
            (std::vector<std::vector<int>>{{1}, {0}}));
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_CONTAINS(notices[0], "o.csv: -400 of p10 in 'stay'");
  EXPECT_EQ(notices[0].find("'k'"), std::string::npos);
}

TEST(UnknownColumns, AreLeftOutWhereNoTrainingRowKnowsThem) {
  RawCohort cohort;
  cohort.ids = {"a", "b", "c"};
  cohort.views = {{"v.csv", {"x", "rare", "y"}, {1, NAN, 10, 2, NAN, 20, 3, 7, 30}}};
  std::vector<std::string> notices;
  RawCohort all = cohort;
  leave_out_unknown(all, std::vector<int>{0, 1, 2}, notices);
  EXPECT_EQ(all.views[0].columns.size(), 3u);
  EXPECT_TRUE(notices.empty());
  leave_out_unknown(cohort, std::vector<int>{0, 1}, notices);
  EXPECT_EQ(cohort.views[0].columns, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(cohort.views[0].values, (std::vector<double>{1, 10, 2, 20, 3, 30}));
  EXPECT_EQ(notices, std::vector<std::string>{"v.csv: 1 column without a value in any training row left out: rare"});
  RawCohort bare;
  bare.ids = {"a", "b"};
  bare.views = {{"v.csv", {"x"}, {NAN, 1}}};
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { leave_out_unknown(bare, std::vector<int>{0}, notices); }),
                  "v.csv: no column has a value in any training row");
}

}  // namespace
}  // namespace equipoise
