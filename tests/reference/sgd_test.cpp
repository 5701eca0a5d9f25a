// tests/reference/sgd_test.cpp - gradient descent with momentum worked by hand.
#include "tests/reference/sgd.h"

#include <gtest/gtest.h>

namespace equipoise::reference {
namespace {

TEST(Sgd, TwoStepsWithMomentumAgreeWithACaseWorkedByHand) {
  // m = 4, p = 10 - 2; then m = 1/4 * 4 - 2 = -1, p = 8 + 1/2
  const SgdSettings settings{.lr = 0.5, .momentum = 0.25};
  double velocity = 0.0;
  EXPECT_EQ(sgd_step(10.0, 4.0, velocity, settings), 8.0);
  EXPECT_EQ(sgd_step(8.0, -2.0, velocity, settings), 8.5);
  EXPECT_EQ(velocity, -1.0);
}

TEST(Sgd, WeightDecayShrinksTheValueAndLeavesTheVelocityAlone) {
  double velocity = 0.0;
  EXPECT_EQ(sgd_step(8.0, 0.0, velocity, {.lr = 0.5, .momentum = 0.0, .weight_decay = 0.5}), 6.0);
  EXPECT_EQ(velocity, 0.0);
}

TEST(Sgd, StepsEachEntryOfATensorByItsOwnVelocity) {
  Matrix value(1, 2, {10.0, 1.0});
  std::vector<double> velocity;
  sgd_step(value, Matrix(1, 2, {4.0, -4.0}), velocity, {.lr = 0.5});
  EXPECT_EQ(value.values, (std::vector<double>{8.0, 3.0}));
  EXPECT_THROW(sgd_step(value, Matrix(2, 1), velocity, {}), std::invalid_argument);
}

}  // namespace
}  // namespace equipoise::reference
