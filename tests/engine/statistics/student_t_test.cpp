// tests/engine/statistics/student_t_test.cpp - probabilities and quantiles beside SciPy's and closed forms.
#include "engine/statistics/student_t.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace equipoise::test {
namespace {

void expect_relative(double said, double known) { EXPECT_NEAR(said, known, 1e-10 * std::fabs(known)); }

// SciPy 1.17.1: 2 * scipy.stats.t.sf(t, df).
TEST(StudentT, HasTheProbabilitiesOfScipyOnBothSides) {
  const struct {
    double t, df, p;
  } known[] = {{2.46568658932248, 14, 0.027209572151278387},
               {0.5, 1, 0.7048327646991335},
               {3.25, 2, 0.08305069938382226},
               {12, 9, 7.699886222985653e-07},
               {0.001, 99, 0.9992041278571371},
               {40, 4, 2.3340163226012678e-06},
               {1.5, 999, 0.13393035471128495}};
  for (const auto& [t, df, p] : known) {
    expect_relative(student_t_two_sided_p(t, df), p);
    EXPECT_EQ(student_t_two_sided_p(-t, df), student_t_two_sided_p(t, df));
  }
}

// SciPy 1.17.1: scipy.stats.t.isf(p / 2, df) of p = 1 - level.
TEST(StudentT, HasTheQuantilesOfScipy) {
  const struct {
    double level, df, t;
  } known[] = {{0.95, 1, 12.706204736174694}, {0.95, 14, 2.144786687917804}, {0.99, 9, 3.249835541592126},
               {0.5, 4, 0.7406970841126829},  {0.9, 99, 1.660391156016991},  {0.999, 2, 31.599054576443606}};
  for (const auto& [level, df, t] : known) expect_relative(student_t_two_sided_quantile(1 - level, df), t);
}

// One degree of freedom is Cauchy's, P = 1 - 2/pi atan t; of two P = 1 - t / sqrt(2 + t^2).
TEST(StudentT, OfOneAndTwoDegreesIsAClosedForm) {
  for (const double t : {0.125, 1.0, 7.5}) {
    expect_relative(student_t_two_sided_p(t, 1), 1 - 2 / std::numbers::pi * std::atan(t));
    expect_relative(student_t_two_sided_p(t, 2), 1 - t / std::sqrt(2 + t * t));
  }
}

TEST(StudentT, IsOneAtZeroAndZeroAtInfinity) {
  EXPECT_EQ(student_t_two_sided_p(0, 7), 1);
  EXPECT_EQ(student_t_two_sided_p(-std::numeric_limits<double>::infinity(), 7), 0);
  EXPECT_TRUE(std::isnan(student_t_two_sided_p(std::nan(""), 7)));
}

}  // namespace
}  // namespace equipoise::test
