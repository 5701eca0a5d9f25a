// tests/engine/train/learning_test.cpp - when a training loss has fallen by more than its noise, by hand-made series.
#include "engine/train/learning.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace equipoise {
namespace {

TEST(TrainingLoss, HasFallenWhereTheLastFiveLieThreeDeviationsBelowTheFirst) {
  // The last five have mean 3 and deviation sqrt(10 / 4) = 1.5811; three of these are 4.7434.
  const auto first = [](double level) { return std::vector<double>{level, level, level, level, level, 1, 2, 3, 4, 5}; };
  EXPECT_FALSE(has_fallen(first(7.743)));
  EXPECT_TRUE(has_fallen(first(7.744)));
  EXPECT_FALSE(has_fallen(first(-10)));
}

TEST(TrainingLoss, HasNotFallenInFewerThanTenEpochs) {
  std::vector<double> steady;
  for (int epoch = 1; epoch <= 10; ++epoch) {
    EXPECT_FALSE(has_fallen(steady));
    steady.push_back(10 - epoch);
  }
  EXPECT_TRUE(has_fallen(steady));
  EXPECT_EQ(epoch_of_fall(steady), 10);
}

TEST(TrainingLoss, OfNoiseAloneDoesNotFall) {
  std::vector<double> noise;
  for (int epoch = 0; epoch < 100; ++epoch) noise.push_back(epoch % 2 == 0 ? 1.0 : 1.1);
  EXPECT_EQ(epoch_of_fall(noise), 0);
}

TEST(TrainingLoss, MayFallSteeplyAtFirst) {
  // Mean 4.54 of the first five with a deviation of 3.2; the last five, of mean 1.76, tell what noise is: .096.
  EXPECT_EQ(epoch_of_fall(std::vector<double>{10, 5, 3, 2.5, 2.2, 1.9, 1.8, 1.75, 1.7, 1.65}), 10);
}

TEST(TrainingLoss, FallsAfterAPlateau) {
  std::vector<double> total(30, 2.0);
  for (int epoch = 30; epoch < 60; ++epoch) total.push_back(2.0 - 0.1 * (epoch - 29));
  // By hand: five of the fall lie 0.3 below on average, deviation .158, and 3 * .158 = .47; six .4; seven .5.
  EXPECT_EQ(epoch_of_fall(total), 37);
}

TEST(TrainingLoss, ThatIsUnknownHoldsNothingBack) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(has_fallen({}));
  EXPECT_EQ(epoch_of_fall(std::vector<double>{nan}), 1);
  EXPECT_EQ(epoch_of_fall(std::vector<double>{nan, 3, 3}), 1);
  std::vector<double> later(20, 1.0);
  later.back() = nan;
  EXPECT_EQ(epoch_of_fall(later), 0);
}

}  // namespace
}  // namespace equipoise
