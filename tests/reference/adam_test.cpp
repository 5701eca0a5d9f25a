// tests/reference/adam_test.cpp - Adam against closed forms, decoupled decay and clipping by the global norm.
#include "tests/reference/adam.h"

#include <gtest/gtest.h>

namespace equipoise::reference {
namespace {

TEST(Adam, MovesByTheSameAmountEachStepUnderAConstantGradient) {
  // bias correction makes the moments g and g² exactly, so each step is lr g / (|g| + eps)
  AdamMoments moments;
  double value = 2.0;
  for (int step = 1; step <= 50; ++step) {
    value = adam_step(value, -0.3, moments, {.lr = 0.01, .eps = 1e-3});
    EXPECT_NEAR(value, 2.0 + step * 0.01 * 0.3 / (0.3 + 1e-3), 1e-13);
  }
  EXPECT_EQ(moments.steps, 50);
}

TEST(Adam, AgreesWithTwoStepsWorkedByHand) {
  // gradients 1 then 3, betas 0.5 and 0.75: moments 0.5, 0.25 then 1.75, 2.4375; corrections 0.5, 0.25 then 0.75,
  // 0.4375
  const AdamSettings settings{.lr = 0.1, .beta1 = 0.5, .beta2 = 0.75, .eps = 0.0};
  AdamMoments moments;
  double value = adam_step(1.0, 1.0, moments, settings);
  EXPECT_NEAR(value, 0.9, 1e-15);
  value = adam_step(value, 3.0, moments, settings);
  EXPECT_NEAR(moments.first, 1.75, 1e-15);
  EXPECT_NEAR(moments.second, 2.4375, 1e-15);
  EXPECT_NEAR(value, 0.9 - 0.1 * (1.75 / 0.75) / std::sqrt(2.4375 / 0.4375), 1e-15);
}

TEST(Adam, DecaysTheValueApartFromTheMoments) {
  AdamMoments moments;
  EXPECT_NEAR(adam_step(4.0, 0.0, moments, {.lr = 0.1, .weight_decay = 0.5}), 4.0 * 0.95, 1e-15);
  EXPECT_EQ(moments.first, 0.0);
  EXPECT_EQ(moments.second, 0.0);
}

TEST(Adam, StepsEveryEntryOfATensorAsItWouldAlone) {
  Matrix value(1, 3, {1.0, -2.0, 0.5});
  const Matrix gradient(1, 3, {0.1, -4.0, 0.0});
  std::vector<AdamMoments> moments;
  const Matrix before = value;
  for (int step = 0; step < 2; ++step) adam_step(value, gradient, moments, {.lr = 0.01});
  for (int i = 0; i < 3; ++i) {
    AdamMoments alone;
    double expected = before.at(0, i);
    for (int step = 0; step < 2; ++step) expected = adam_step(expected, gradient.at(0, i), alone, {.lr = 0.01});
    EXPECT_EQ(value.at(0, i), expected);
  }
}

TEST(ClipGlobalNorm, ScalesAllTensorsTogetherOnlyWhereTheNormIsExceeded) {
  const GradientByName original = {{"a", Matrix(1, 2, {3.0, 0.0})}, {"b", Matrix(1, 1, -4.0)}};
  GradientByName clipped = original;
  EXPECT_EQ(clip_global_norm(clipped, 1.0), 5.0);
  EXPECT_NEAR(clipped.at("a").at(0, 0), 3.0 / 5.000001, 1e-15);
  EXPECT_NEAR(clipped.at("b").at(0, 0), -4.0 / 5.000001, 1e-15);

  for (double loose : {5.5, 0.0}) {
    GradientByName kept = original;
    clip_global_norm(kept, loose);
    EXPECT_EQ(kept.at("a").values, original.at("a").values) << "max_norm " << loose;
    EXPECT_EQ(kept.at("b").values, original.at("b").values) << "max_norm " << loose;
  }
}

}  // namespace
}  // namespace equipoise::reference
