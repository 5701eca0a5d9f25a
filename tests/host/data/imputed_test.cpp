// tests/host/data/imputed_test.cpp - shares of missing values, by hand.
#include "host/data/imputed.h"

#include <gtest/gtest.h>

namespace equipoise {
namespace {

FittedView with_missing(const std::vector<std::string>& columns, const std::vector<int>& missing) {
  FittedView view;
  view.columns = columns;
  view.missing = missing;
  return view;
}

TEST(Imputed, IsToldWithItsShareAndTheColumnThatLacksMost) {
  // 25 of 5 * 50 values are 10 %; 20 of 50 rows 40 %.
  EXPECT_EQ(
      tell_imputed("v.csv", with_missing({"sex", "age", "bmi", "x", "y"}, {0, 20, 4, 0, 1}), 50),
      "v.csv: 10 % of 250 values in the training rows are missing and take the median, in 3 of 5 columns; most in "
      "'age' (40 %)");
  // 1 of 3 * 411 is 0.0811 %, 1 of 411 0.243 %.
  EXPECT_EQ(
      tell_imputed("v.csv", with_missing({"a", "b", "c"}, {0, 0, 1}), 411),
      "v.csv: 0.081 % of 1233 values in the training rows are missing and take the median, in 1 of 3 columns; all "
      "in 'c' (0.24 %)");
  EXPECT_EQ(tell_imputed("v.csv", with_missing({"a"}, {200}), 200),
            "v.csv: 100 % of 200 values in the training rows are missing and take the median, in 1 of 1 column; all in "
            "'a' (100 %)");
}

TEST(Imputed, IsNotToldWhereNothingIsOrNobodyCounted) {
  EXPECT_EQ(tell_imputed("v.csv", with_missing({"a", "b"}, {0, 0}), 50), "");
  EXPECT_EQ(tell_imputed("v.csv", with_missing({"a", "b"}, {}), 50), "") << "of generated rows, and older runs";
  EXPECT_EQ(tell_imputed("v.csv", with_missing({"a", "b"}, {3, 4}), 0), "");
}

}  // namespace
}  // namespace equipoise
