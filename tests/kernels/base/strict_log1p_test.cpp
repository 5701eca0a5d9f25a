// tests/kernels/base/strict_log1p_test.cpp - log1p and expm1 against long double and against more digits, and at the
// edges.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "kernels/base/strict_math.h"

namespace equipoise {
namespace {

constexpr double kNoEnd = std::numeric_limits<double>::infinity();
constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

/// |got - exact| in units of the last place of the exact result; an overflow must be one of the rounded result too.
long double places_off(double got, long double exact) {
  if (std::isinf(static_cast<double>(exact))) return got == static_cast<double>(exact) ? 0 : 1e30L;
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::fabs(got - exact) / std::ldexp(1.0L, std::max(exponent, -1021) - 53);
}

TEST(StrictExpm1, StaysWithinTwoUlpFromMinusOneToOverflowAndNearZero) {
  std::mt19937_64 engine(5);
  std::uniform_real_distribution<double> wide(-70, 711);
  std::uniform_real_distribution<double> unit(-2, 2);
  long double worst = 0;
  double where = 0;
  for (int i = 0; i < 2000000; ++i) {
    const double x = i % 2 == 0 ? wide(engine) : std::ldexp(unit(engine), -(i % 81));
    const long double off = places_off(strict_expm1(x), std::expm1(static_cast<long double>(x)));
    if (!(off <= worst)) worst = off, where = x;
  }
  EXPECT_LE(worst, 2.0L) << "at " << where;
}

TEST(StrictLog1p, StaysWithinTwoUlpOverAllExponentsAndNearMinusOneAndZero) {
  std::mt19937_64 engine(6);
  std::uniform_real_distribution<double> unit(-1, 1);
  long double worst = 0;
  double where = 0;
  for (int i = 0; i < 2000000; ++i) {
    const double any = bits_as<double>(engine() >> 1);
    const double x = i % 3 == 0   ? any
                     : i % 3 == 1 ? 4 * std::ldexp(unit(engine), -(i % 61))
                                  : -1 + std::ldexp(std::fabs(unit(engine)), -(i % 53));
    if (!(x > -1 && x < kNoEnd)) continue;
    const long double off = places_off(strict_log1p(x), std::log1p(static_cast<long double>(x)));
    if (!(off <= worst)) worst = off, where = x;
  }
  EXPECT_LE(worst, 2.0L) << "at " << where;
}

// Of mpmath with 300 bits, rounded.
TEST(StrictLog1p, AndExpm1AreThoseOfALibraryOfManyDigits) {
  const std::vector<std::pair<double, double>> log1p{{1e-9, 0x1.12e0be801f1d9p-30},   {0.1, 0x1.8663f793c46c7p-4},
                                                     {-0.3, -0x1.6d3c324e13f4ep-2},   {0.7, 0x1.0fae81914a991p-1},
                                                     {-0.999, -0x1.ba18a998fff9fp+2}, {12345.678, 0x1.2d79ff745b2fdp+3},
                                                     {1e300, 0x1.5963447f87fb5p+9}};
  for (const auto& [x, y] : log1p) EXPECT_LE(places_off(strict_log1p(x), y), 2.0L) << x;
  const std::vector<std::pair<double, double>> expm1{{1e-9, 0x1.12e0be84bbb51p-30}, {0.1, 0x1.aec7b35a00d3ap-4},
                                                     {-0.3, -0x1.0966f2c7907f6p-2}, {0.7, 0x1.03854c24d130dp+0},
                                                     {-2.5, -0x1.d5f8f47ed617bp-1}, {40, 0x1.a220d397972ebp+57},
                                                     {500, 0x1.45ba2a9f7e439p+721}};
  for (const auto& [x, y] : expm1) EXPECT_LE(places_off(strict_expm1(x), y), 2.0L) << x;
}

TEST(StrictLog1p, AndExpm1HaveTheUsualLimits) {
  EXPECT_EQ(strict_log1p(0.0), 0.0);
  EXPECT_EQ(strict_log1p(-1.0), -kNoEnd);
  EXPECT_EQ(strict_log1p(kNoEnd), kNoEnd);
  EXPECT_EQ(strict_expm1(0.0), 0.0);
  EXPECT_EQ(strict_expm1(-kNoEnd), -1.0);
  EXPECT_EQ(strict_expm1(kNoEnd), kNoEnd);
  for (const double x : {strict_log1p(-1.5), strict_log1p(-kNoEnd), strict_log1p(kNoNumber), strict_expm1(kNoNumber)})
    EXPECT_TRUE(std::isnan(x));
}

TEST(StrictLog1p, AndExpm1HavePinnedBits) {
  uint64_t hash = 14695981039346656037u;
  for (int i = 1; i <= 100000; ++i) {
    const double x = i * 1.2345e-4;
    for (const double y :
         {strict_log1p(x), strict_log1p(1e3 * x), strict_log1p(-x / 13), strict_expm1(x), strict_expm1(-x)})
      hash = (hash ^ bits_as<uint64_t>(y)) * 1099511628211u;
  }
  EXPECT_EQ(hash, 1319410796435553025u);
}

}  // namespace
}  // namespace equipoise
