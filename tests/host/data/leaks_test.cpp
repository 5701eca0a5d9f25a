// tests/host/data/leaks_test.cpp - features that hold the answer are refused, and such as only seem to are not.
#include "host/data/leaks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;
using Names = std::vector<std::string>;

/// Patients of the classes 0, 1, 0, 1, ..., with features as a function of row and column.
template <class Value>
RawCohort leak_cohort(int rows, Names columns, Value&& value) {
  RawCohort cohort;
  cohort.label_names = {"no", "yes"};
  RawView view{"v.csv", std::move(columns), {}};
  for (int row = 0; row < rows; ++row) {
    cohort.ids.push_back("p" + std::to_string(row));
    cohort.label.push_back(row % 2);
    for (size_t c = 0; c < view.columns.size(); ++c) view.values.push_back(value(row, c));
  }
  cohort.views = {view};
  return cohort;
}

std::vector<int> leak_rows(int count) {
  std::vector<int> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

Names told_leaks(const RawCohort& cohort, const Names& allow = {}, int train = -1) {
  Names notices;
  expect_no_leaks(cohort, leak_rows(train < 0 ? static_cast<int>(cohort.ids.size()) : train), {{"died", "nr"}, allow},
                  notices);
  return notices;
}

TEST(Leaks, AreFoundByNamesButForCaseAndBlanks) {
  const auto noise = [](int row, size_t c) { return std::sin(row * (1.0 + static_cast<double>(c))); };
  for (const char* name : {"Label", "LABEL", " Died", "D I E D", "Outcome", "target", "ID", "Nr"}) {
    const RawCohort cohort = leak_cohort(30, {"age", name}, noise);
    const std::string message = refusal(ExitCode::data, [&] { told_leaks(cohort); });
    EXPECT_CONTAINS(message, "v.csv: the feature '" + std::string(name) + "' is named like '");
    EXPECT_CONTAINS(message, "let it in by data.allow = [\"" + std::string(name) + "\"]");
    EXPECT_TRUE(told_leaks(cohort, {name}).empty()) << name;
  }
  EXPECT_TRUE(told_leaks(leak_cohort(30, {"labels", "died_at", "outcome2", "idx"}, noise)).empty());
}

TEST(Leaks, AreFoundByLevelsThatTellTheClass) {
  const RawCohort two = leak_cohort(40, {"age", "ward"}, [](int row, size_t c) {
    return c == 0 ? std::sin(row) : row % 2 ? 7.0 : 3.0;
  });
  EXPECT_CONTAINS(
      refusal(ExitCode::data, [&] { told_leaks(two); }),
      "v.csv: the 2 levels of the feature 'ward' tell the class of 'died' in all 40 training rows that know "
      "both, by chance in 1e-11 of all cases; remove the column, or let it in by data.allow = [\"ward\"]");
  EXPECT_TRUE(told_leaks(two, {"w*"}).empty());
  const RawCohort four = leak_cohort(40, {"ward"}, [](int row, size_t) { return row % 4; });
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { told_leaks(four); }), "the 4 levels of the feature 'ward'");
}

TEST(Leaks, AreNoneWhereOneRowContradictsOrLevelsAreManyOrOne) {
  EXPECT_TRUE(told_leaks(leak_cohort(40, {"ward"}, [](int row, size_t) { return row == 8 ? 1 : row % 2; })).empty());
  EXPECT_TRUE(told_leaks(leak_cohort(40, {"even"}, [](int row, size_t) { return row % 6; })).empty()) << "six levels";
  EXPECT_TRUE(told_leaks(leak_cohort(40, {"number"}, [](int row, size_t) { return row; })).empty());
  EXPECT_TRUE(told_leaks(leak_cohort(40, {"same"}, [](int, size_t) { return 5; })).empty());
  EXPECT_TRUE(told_leaks(leak_cohort(40, {"gone"}, [](int row, size_t) { return row % 2 ? NAN : 5; })).empty())
      << "a gap is filled with the median and tells nothing";
}

TEST(Leaks, AreJudgedByTrainingRowsThatKnowBoth) {
  RawCohort cohort = leak_cohort(60, {"ward"}, [](int row, size_t) { return row < 50 ? row % 2 : 1 - row % 2; });
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { told_leaks(cohort, {}, 50); }), "in all 50 training rows");
  EXPECT_TRUE(told_leaks(cohort, {}, 60).empty());
  for (size_t row = 50; row < 60; ++row) cohort.label[row] = -1;
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { told_leaks(cohort, {}, 60); }), "in all 50 training rows");
}

// Of 2 m rows, half of each class, a column of two levels tells the classes with 2^2 / C(2m, m) at most; that is 4 /
// 252 = 1.6e-2 of 10 rows, 4 / 184756 = 2.2e-5 of 20 and 4 / 10400600 = 3.8e-7 of 26. A second column doubles it.
TEST(Leaks, OfFewRowsMayBeChanceAndAreOnlyTold) {
  const auto copy = [](int row, size_t c) { return c == 0 ? row % 2 : std::sin(row); };
  EXPECT_TRUE(told_leaks(leak_cohort(8, {"ward"}, copy)).empty()) << "4 / 70 is more than is worth telling";
  const Names ten = told_leaks(leak_cohort(10, {"ward"}, copy)), twenty = told_leaks(leak_cohort(20, {"ward"}, copy));
  ASSERT_EQ(ten.size(), 1u);
  EXPECT_CONTAINS(ten[0], "of so few rows this may be chance (0.016)");
  ASSERT_EQ(twenty.size(), 1u);
  EXPECT_CONTAINS(twenty[0], "of so few rows this may be chance (2.2e-05)");
  EXPECT_NE(refusal(ExitCode::data, [&] { told_leaks(leak_cohort(26, {"ward"}, copy)); }), "");
  EXPECT_NE(refusal(ExitCode::data, [&] { told_leaks(leak_cohort(26, {"ward", "age"}, copy)); }), "");
  const Names columns{"ward", "a", "b", "c"};
  EXPECT_EQ(told_leaks(leak_cohort(26, columns, copy)).size(), 1u) << "1.5e-6 of four columns";
}

TEST(Leaks, AreLookedForInEveryTaskOfClasses) {
  RawCohort cohort = leak_cohort(40, {"ward"}, [](int row, size_t) { return row % 4 / 2; });
  cohort.label_names.clear();
  RawTarget number{"v.csv", &regression(), {"stay"}, {}, {}}, moved{"v.csv", &binary(), {"moved"}, {}, {"n", "y"}};
  for (int row = 0; row < 40; ++row) {
    number.values.push_back(row % 4 / 2);
    moved.values.push_back(row == 3 ? NAN : row % 4 / 2);
  }
  cohort.targets = {number};
  EXPECT_TRUE(told_leaks(cohort).empty()) << "a number has no classes";
  cohort.targets = {number, moved};
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { told_leaks(cohort); }), "tell the class of 'moved' in all 39 training");
}

TEST(Leaks, AreNotLetInByPatternsThatNoFeatureFits) {
  const RawCohort cohort = leak_cohort(8, {"Label"}, [](int row, size_t) { return row; });
  EXPECT_EQ(refusal(ExitCode::usage, [&] { told_leaks(cohort, {"Lable"}); }),
            "data.allow: no feature fits 'Lable'; did you mean 'Label'?");
}

}  // namespace
}  // namespace equipoise
