// tests/reference/matrix_test.cpp - cutting, joining and adding matrices.
#include "tests/reference/matrix.h"

#include <gtest/gtest.h>

#include <limits>

namespace equipoise::reference {
namespace {

const Matrix kCounting(2, 3, {1, 2, 3, 4, 5, 6});

TEST(Matrix, RefusesEntriesThatDoNotFillItsShape) {
  EXPECT_THROW(Matrix(2, 2, std::vector<double>{1, 2, 3}), std::invalid_argument);
}

TEST(Matrix, CutIntoColumnsAndPutBesideEachOtherIsItselfAgain) {
  EXPECT_EQ(columns(kCounting, 1, 2).values, (std::vector<double>{2, 3, 5, 6}));
  EXPECT_EQ(beside(columns(kCounting, 0, 1), columns(kCounting, 1, 2)).values, kCounting.values);
}

TEST(Matrix, AccumulatesWholeMatricesAndColumnsWithAScale) {
  Matrix target = kCounting;
  accumulate(target, kCounting, -2.0);
  EXPECT_EQ(target.values, (std::vector<double>{-1, -2, -3, -4, -5, -6}));
  accumulate_columns(target, 1, Matrix(2, 2, {10, 20, 30, 40}), 0.5);
  EXPECT_EQ(target.values, (std::vector<double>{-1, 3, 7, -4, 10, 14}));
}

TEST(Matrix, RefusesToJoinOrAddWhatDoesNotFit) {
  Matrix target = kCounting;
  EXPECT_THROW(beside(kCounting, Matrix(3, 1)), std::invalid_argument);
  EXPECT_THROW(accumulate(target, Matrix(3, 2)), std::invalid_argument);
}

TEST(Matrix, KnowsItsLargestMagnitudeAndWhetherAllIsFinite) {
  EXPECT_EQ(max_abs(Matrix(1, 3, {1, -7, 2})), 7.0);
  EXPECT_TRUE(all_finite(kCounting));
  EXPECT_FALSE(all_finite(Matrix(1, 2, {1, std::numeric_limits<double>::quiet_NaN()})));
  EXPECT_FALSE(all_finite(Matrix(1, 2, {1, std::numeric_limits<double>::infinity()})));
}

}  // namespace
}  // namespace equipoise::reference
