// tests/engine/statistics/mean_sd_test.cpp - mean and deviation beside NumPy's, and what has a stated answer.
#include "engine/statistics/mean_sd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace equipoise::test {
namespace {

// NumPy 2.4: numpy.mean(x), numpy.std(x, ddof=1).
TEST(MeanSd, AreThoseOfNumpy) {
  const auto [mean, sd] = mean_sd(std::vector<double>{0.25, -1.5, 3, 7.125, 2});
  EXPECT_DOUBLE_EQ(mean, 2.175);
  EXPECT_NEAR(sd, 3.256723813896413, 1e-15);
}

TEST(MeanSd, OfNoValueAreUndefinedAndOfOneTheDeviationIs) {
  const MeanSd none = mean_sd({});
  EXPECT_TRUE(std::isnan(none.mean) && std::isnan(none.sd));
  const MeanSd one = mean_sd(std::vector<double>{0.1});
  EXPECT_EQ(one.mean, 0.1);
  EXPECT_TRUE(std::isnan(one.sd));
}

// Three times 0.1 add up to 0.30000000000000004, whose third is not 0.1.
TEST(MeanSd, OfEqualValuesAreExact) {
  for (const double value : {0.1, -0.7, 1e300, 0.0}) {
    const auto [mean, sd] = mean_sd(std::vector<double>{value, value, value});
    EXPECT_EQ(mean, value);
    EXPECT_EQ(sd, 0) << value;
  }
}

TEST(MeanSd, KeepTheDigitsOfSmallDifferencesAndOfFarScales) {
  // By hand: 1, 2 and 3 beyond a large number, whose sum has no room for them.
  const auto [mean, sd] = mean_sd(std::vector<double>{0x1p52 + 1, 0x1p52 + 2, 0x1p52 + 3});
  EXPECT_EQ(mean, 0x1p52 + 2);
  EXPECT_EQ(sd, 1);
  // The first is so large that a sum loses the others: the mean is 2^52 + 1.
  EXPECT_EQ(mean_sd(std::vector<double>{0x1p54, 1, 1, 2}).mean, 0x1p52 + 1);
  for (const double scale : {0x1p-1000, 0x1p1000}) {
    const MeanSd scaled = mean_sd(std::vector<double>{1 * scale, 2 * scale, 3 * scale});
    EXPECT_EQ(scaled.mean, 2 * scale);
    EXPECT_EQ(scaled.sd, scale);
  }
}

TEST(MeanSd, OfWhatIsNotFiniteAreUndefined) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const auto [mean, sd] = mean_sd(std::vector<double>{1, bad, bad});
    EXPECT_TRUE(std::isnan(mean) && std::isnan(sd)) << bad;
  }
}

}  // namespace
}  // namespace equipoise::test
