// tests/reference/rmsprop_test.cpp - RMSProp worked by hand.
#include "tests/reference/rmsprop.h"

#include <gtest/gtest.h>

namespace equipoise::reference {
namespace {

TEST(RmsProp, TwoStepsWithMomentumAgreeWithACaseWorkedByHand) {
  // v = 3/4 * 0 + 1/4 * 16 = 4, u = 4 / (2 + 2) = 1, m = 1, p = 10 - 1/2; then
  // v = 3/4 * 4 + 1/4 * 4 = 4, u = -2 / (2 + 2) = -1/2, m = 1/4 - 1/2 = -1/4, p = 9.5 + 1/8
  const RmsPropSettings settings{.lr = 0.5, .smoothing = 0.75, .eps = 2.0, .momentum = 0.25};
  RmsPropMoments moments;
  EXPECT_EQ(rmsprop_step(10.0, 4.0, moments, settings), 9.5);
  EXPECT_EQ(rmsprop_step(9.5, -2.0, moments, settings), 9.625);
  EXPECT_EQ(moments.mean_square, 4.0);
  EXPECT_EQ(moments.velocity, -0.25);
}

TEST(RmsProp, WeightDecayShrinksTheValueAndLeavesTheMomentsAlone) {
  const RmsPropSettings settings{.lr = 0.5, .weight_decay = 0.5};
  RmsPropMoments moments;
  EXPECT_EQ(rmsprop_step(8.0, 0.0, moments, settings), 6.0);
  EXPECT_EQ(moments.mean_square, 0.0);
  EXPECT_EQ(moments.velocity, 0.0);
}

TEST(RmsProp, StepsEachEntryOfATensorByItsOwnMoments) {
  const RmsPropSettings settings{.lr = 0.5, .smoothing = 0.75, .eps = 2.0};
  Matrix value(1, 2, {10.0, 1.0});
  std::vector<RmsPropMoments> moments;
  rmsprop_step(value, Matrix(1, 2, {4.0, -4.0}), moments, settings);
  EXPECT_EQ(value.values, (std::vector<double>{9.5, 1.5}));
  EXPECT_THROW(rmsprop_step(value, Matrix(2, 1), moments, settings), std::invalid_argument);
}

}  // namespace
}  // namespace equipoise::reference
