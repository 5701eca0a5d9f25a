// tests/engine/statistics/resampled_t_test_test.cpp - the corrected resampled t-test beside R and SciPy.
#include "engine/statistics/resampled_t_test.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

namespace equipoise::test {
namespace {

void expect_relative(double said, double known) { EXPECT_NEAR(said, known, 1e-10 * std::fabs(known)); }

// Three repeats of five folds of 200 and 50 rows. R 4.2.2, d = a - b:
//   se <- sqrt((1/15 + 50/200) * var(d)); t <- mean(d) / se; 2 * pt(-abs(t), 14); mean(d) + c(-1, 1) * qt(0.975, 14) *
//   se
TEST(ResampledTTest, IsThatOfRForRepeatedFolds) {
  const std::vector<double> a{0.8812, 0.9021, 0.8745, 0.8933, 0.9107, 0.8659, 0.8978, 0.9012,
                              0.8801, 0.8894, 0.9055, 0.8726, 0.8861, 0.899,  0.8919},
      b{0.865,  0.8899, 0.8777, 0.8815, 0.8962, 0.8601, 0.8829, 0.9034,
        0.8688, 0.8807, 0.8931, 0.8752, 0.874,  0.8853, 0.8801};
  std::vector<double> d;
  for (std::size_t i = 0; i < a.size(); ++i) d.push_back(a[i] - b[i]);
  const ResampledTTest test = resampled_t_test(d, {.test = 50, .train = 200});
  expect_relative(test.mean, 0.00916);
  expect_relative(test.standard_error, 0.00371498958532155);
  expect_relative(test.t, 2.46568658932248);
  EXPECT_EQ(test.df, 14);
  expect_relative(test.p, 0.0272095721512786);
  expect_relative(test.low, 0.00119213979164907);
  expect_relative(test.high, 0.0171278602083509);
}

// SciPy 1.17.1: t as above, 2 * t.sf(abs(t), 4), t.interval(0.9, 4, mean, se).
TEST(ResampledTTest, TellsTheSignAndTheIntervalOfAnotherLevel) {
  const ResampledTTest test = resampled_t_test(std::vector<double>{-3, 1, -2, -4, 0.5}, {.test = 30, .train = 90}, 0.9);
  EXPECT_EQ(test.mean, -1.5);
  expect_relative(test.t, -0.9424212936563149);
  expect_relative(test.p, 0.3993377407117875);
  expect_relative(test.low, -4.893142961661633);
  expect_relative(test.high, 1.8931429616616313);
}

TEST(ResampledTTest, IsUndefinedOfFewerThanTwoDifferencesAndOfWhatIsNotFinite) {
  const FoldRows rows{.test = 10, .train = 90};
  for (const std::vector<double>& d : {std::vector<double>{}, {0.5}, {0.5, std::nan("")}, {0.5, INFINITY, 1}}) {
    const ResampledTTest test = resampled_t_test(d, rows);
    for (const double value : {test.standard_error, test.t, test.df, test.p, test.low, test.high})
      EXPECT_TRUE(std::isnan(value)) << d.size();
    if (d.size() == 1) EXPECT_EQ(test.mean, 0.5);
    else EXPECT_TRUE(std::isnan(test.mean)) << d.size();
  }
}

TEST(ResampledTTest, OfEqualDifferencesIsSureOfThem) {
  const FoldRows rows{.test = 10, .train = 90};
  const ResampledTTest none = resampled_t_test(std::vector<double>{0, 0, -0.0}, rows);
  EXPECT_EQ(none.t, 0);
  EXPECT_EQ(none.p, 1);
  EXPECT_EQ(none.low, 0);
  EXPECT_EQ(none.high, 0);
  for (const double d : {0.1, -0.1}) {  // three times 0.1 are not 0.3
    const ResampledTTest all = resampled_t_test(std::vector<double>{d, d, d}, rows);
    EXPECT_EQ(all.t, d > 0 ? INFINITY : -INFINITY);
    EXPECT_EQ(all.df, 2);
    EXPECT_EQ(all.p, 0);
    EXPECT_EQ(all.low, d);
    EXPECT_EQ(all.high, d);
  }
}

TEST(ResampledTTest, RefusesFoldsWithoutRowsAndLevelsThatAreNone) {
  const std::vector<double> d{1, 2};
  for (const FoldRows rows : {FoldRows{0, 9}, FoldRows{1, 0}, FoldRows{1, std::nan("")}, FoldRows{INFINITY, 1}})
    EXPECT_THROW(resampled_t_test(d, rows), std::invalid_argument);
  for (const double level : {0.0, 1.0, std::nan("")})
    EXPECT_THROW(resampled_t_test(d, {1, 9}, level), std::invalid_argument);
}

}  // namespace
}  // namespace equipoise::test
