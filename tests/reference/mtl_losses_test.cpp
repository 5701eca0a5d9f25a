// tests/reference/mtl_losses_test.cpp - losses of supervised tasks by hand, and what a missing target means.
#include "tests/reference/mtl_losses.h"

#include <gtest/gtest.h>

#include <limits>

namespace equipoise::reference {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

TEST(MtlLosses, RegressionIsTheMeanOverRowsAndOutputs) {
  const TargetLoss l =
      target_loss(TargetKind::regression, Matrix(2, 2, {1.0, 2.0, 3.0, 4.0}), Matrix(2, 2, {1.0, 0.0, 3.0, 8.0}));
  EXPECT_EQ(l.loss, 5.0);
  EXPECT_EQ(l.gradient.values, (std::vector<double>{0.0, 1.0, 0.0, -2.0}));
}

TEST(MtlLosses, BinaryOfALogitOfZeroIsTheLogarithmOfTwo) {
  const TargetLoss l = target_loss(TargetKind::binary, Matrix(1, 2), Matrix(1, 2, {1.0, 0.0}));
  EXPECT_DOUBLE_EQ(l.loss, std::log(2.0));
  EXPECT_EQ(l.gradient.values, (std::vector<double>{-0.25, 0.25}));
}

TEST(MtlLosses, BinaryOfAHugeLogitIsFinite) {
  const TargetLoss l = target_loss(TargetKind::binary, Matrix(1, 2, {800.0, -800.0}), Matrix(1, 2, {0.0, 1.0}));
  EXPECT_EQ(l.loss, 800.0);
  EXPECT_EQ(l.gradient.values, (std::vector<double>{0.5, -0.5}));
}

// By hand: rates 1 and e; - log(e^-1 1^3 / 3!) = 1 + log 6 and - log(e^-e e^0 / 0!) = e.
TEST(MtlLosses, CountIsPoissonsNegativeLogLikelihood) {
  const TargetLoss l = target_loss(TargetKind::count, Matrix(1, 2, {0.0, 1.0}), Matrix(1, 2, {3.0, 0.0}));
  EXPECT_NEAR(l.loss, (1.0 + std::log(6.0) + std::exp(1.0)) / 2, 1e-14);
  EXPECT_EQ(l.gradient.values, (std::vector<double>{-1.0, std::exp(1.0) / 2}));
}

TEST(MtlLosses, ClassesOfEqualLogitsAreTheLogarithmOfTheirNumber) {
  const TargetLoss l = target_loss(TargetKind::classes, Matrix(2, 4), Matrix(2, 1, {3.0, 0.0}));
  EXPECT_DOUBLE_EQ(l.loss, std::log(4.0));
  EXPECT_EQ(l.gradient.values, (std::vector<double>{0.125, 0.125, 0.125, -0.375, -0.375, 0.125, 0.125, 0.125}));
}

TEST(MtlLosses, AMeanIsOverThePresentTargetsAndMissingOnesHaveNoGradient) {
  for (TargetKind kind : {TargetKind::regression, TargetKind::binary, TargetKind::count}) {
    const TargetLoss some =
        target_loss(kind, Matrix(2, 2, {5.0, 0.5, -0.5, 7.0}), Matrix(2, 2, {kMissing, 1.0, 0.0, kMissing}));
    const TargetLoss whole = target_loss(kind, Matrix(1, 2, {0.5, -0.5}), Matrix(1, 2, {1.0, 0.0}));
    EXPECT_TRUE(some.labelled);
    EXPECT_EQ(some.loss, whole.loss);
    EXPECT_EQ(some.gradient.values, (std::vector<double>{0.0, whole.gradient.at(0, 0), whole.gradient.at(0, 1), 0.0}));
  }
  const TargetLoss some =
      target_loss(TargetKind::classes, Matrix(2, 2, {9.0, 3.0, 0.5, -0.5}), Matrix(2, 1, {kMissing, 1.0}));
  const TargetLoss whole = target_loss(TargetKind::classes, Matrix(1, 2, {0.5, -0.5}), Matrix(1, 1, 1.0));
  EXPECT_EQ(some.loss, whole.loss);
  EXPECT_EQ(some.gradient.values, (std::vector<double>{0.0, 0.0, whole.gradient.at(0, 0), whole.gradient.at(0, 1)}));
}

TEST(MtlLosses, WithoutAnyTargetAreZeroAndSayThatTheyAreNotLabelled) {
  for (TargetKind kind : {TargetKind::regression, TargetKind::binary, TargetKind::classes, TargetKind::count}) {
    const TargetLoss l = target_loss(kind, Matrix(2, 1, 3.0), Matrix(2, 1, kMissing));
    EXPECT_FALSE(l.labelled);
    EXPECT_EQ(l.loss, 0.0);
    EXPECT_EQ(l.gradient.values, (std::vector<double>{0.0, 0.0}));
  }
}

TEST(MtlLosses, RefuseTargetsThatDoNotFitThePrediction) {
  EXPECT_THROW(target_loss(TargetKind::regression, Matrix(2, 2), Matrix(2, 1)), std::invalid_argument);
  EXPECT_THROW(target_loss(TargetKind::classes, Matrix(2, 2), Matrix(2, 2)), std::invalid_argument);
  EXPECT_THROW(target_loss(TargetKind::classes, Matrix(1, 2), Matrix(1, 1, 2.0)), std::invalid_argument);
}

}  // namespace
}  // namespace equipoise::reference
