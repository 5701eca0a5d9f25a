// tests/kernels/base/strict_math_test.cpp - the strict functions against long double, over all exponents, and at the
// edges.
#include "kernels/base/strict_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/kernels/base/strict_cosine.h"

namespace equipoise {
namespace {

using test::strict_cos;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr double kInfD = std::numeric_limits<double>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kNanD = std::numeric_limits<double>::quiet_NaN();
constexpr long double kPi = 3.14159265358979323846264338327950288L;

/// |got - exact| in units of the last place of a T of exact's size; an infinity must be the rounded exact result.
template <class T>
long double ulps(T got, long double exact) {
  if (std::isnan(exact)) return std::isnan(got) ? 0 : std::numeric_limits<long double>::infinity();
  if (std::isnan(got)) return std::numeric_limits<long double>::infinity();
  if (std::isinf(got) || std::isinf(static_cast<T>(exact))) {
    // An overflow half an ulp early or late is an error of at most one ulp; farther off it is a wrong infinity.
    const long double largest = std::numeric_limits<T>::max();
    const bool near =
        std::fabs(exact) > largest * (1 - 4 * static_cast<long double>(std::numeric_limits<T>::epsilon()));
    return got == static_cast<T>(exact) ? 0 : (near ? 1 : std::numeric_limits<long double>::infinity());
  }
  int exponent = 0;
  std::frexp(exact, &exponent);
  const int lowest = std::numeric_limits<T>::min_exponent;
  return std::fabs(got - exact) / std::ldexp(1.0L, std::max(exponent, lowest) - std::numeric_limits<T>::digits);
}

struct Worst {
  long double error = -1;
  std::string where;
};

// --- float functions of one argument -------------------------------------------------------------------------------

/// Sine of u turns and `quarters` quarter turns, reduced exactly before the library is asked.
long double sin_turns(long double u, int quarters) {
  const long double nearest = std::rint(4 * u);
  const long double angle = (u - nearest / 4) * 2 * kPi;
  const int quadrant = static_cast<int>(static_cast<long long>(nearest) + quarters) & 3;
  const long double y = (quadrant & 1) != 0 ? std::cos(angle) : std::sin(angle);
  return (quadrant & 2) != 0 ? -y : y;
}

struct FloatCase {
  const char* name;
  float (*subject)(float);
  void (*eight)(const float* x, float* y);  // the same function in a loop a compiler can vectorise
  long double (*reference)(long double);
  float high;         // the largest magnitude
  bool negative;      // negative arguments too
  long double bound;  // ulp
};

template <class Subject>
FloatCase of(const char* name, Subject subject, long double (*reference)(long double), float high, bool negative,
             long double bound) {
  const auto eight = [](const float* x, float* y) {
    for (int i = 0; i < 8; ++i) y[i] = Subject{}(x[i]);
  };
  return {name, subject, eight, reference, high, negative, bound};
}

long double exact_sigmoid(long double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

const FloatCase kFloatCases[] = {
    of(
        "exp", [](float x) { return strict_exp(x); }, std::exp, kInf, true, 1),
    of(
        "log", [](float x) { return strict_log(x); }, std::log, kInf, false, 1),
    of(
        "tanh", [](float x) { return strict_tanh(x); }, std::tanh, kInf, true, 2.5L),
    of(
        "sigmoid", [](float x) { return strict_sigmoid(x); }, exact_sigmoid, kInf, true, 2.5L),
    of(
        "sin_2pi", [](float u) { return strict_sin_2pi(u); }, [](long double u) { return sin_turns(u, 0); }, 1, true,
        1),
    of(
        "cos_2pi", [](float u) { return strict_cos_2pi(u); }, [](long double u) { return sin_turns(u, 1); }, 1, true,
        1),
    of(
        "sin", [](float x) { return strict_sin(x); }, std::sin, 1e4f, true, 1.25L),
    of(
        "cos", [](float x) { return strict_cos(x); }, std::cos, 1e4f, true, 1.25L),
};

class StrictFloat : public testing::TestWithParam<FloatCase> {};

TEST_P(StrictFloat, StaysWithinItsBoundFromTheSmallestSubnormalToTheEndOfItsRange) {
  const FloatCase& c = GetParam();
  const uint32_t high = bits_as<uint32_t>(c.high);
  Worst worst;
  int arguments = 0;
  const auto visit = [&](uint32_t bits) {
    for (const uint32_t sign : {0u, 0x80000000u}) {
      if (sign != 0u && !c.negative) continue;
      const float x = bits_as<float>(bits | sign);
      const float got = c.subject(x);
      const long double error = ulps(got, c.reference(x));
      ++arguments;
      if (error > worst.error) {
        worst = {error, testing::PrintToString(x) + " -> " + testing::PrintToString(got) + ", exact " +
                            testing::PrintToString(static_cast<double>(c.reference(x)))};
      }
    }
  };
  // A prime stride over the bits visits every exponent with ever different mantissas.
  const uint32_t stride = c.negative ? 1693 : 853;
  for (uint64_t bits = 0; bits <= high; bits += stride) visit(static_cast<uint32_t>(bits));
  visit(high);
  EXPECT_GT(arguments, 1200000);
  EXPECT_LE(worst.error, c.bound) << "at " << worst.where;
}

TEST_P(StrictFloat, StaysWithinItsBoundWhereNetworksUseIt) {
  const FloatCase& c = GetParam();
  std::mt19937 engine(20240501);
  const float reach = std::min(c.high, 20.0f);
  std::uniform_real_distribution<float> uniform(c.negative ? -reach : 0.0f, reach);
  Worst worst;
  for (int i = 0; i < 2000000; ++i) {
    const float x = uniform(engine);
    const long double error = ulps(c.subject(x), c.reference(x));
    if (error > worst.error) worst = {error, testing::PrintToString(x)};
  }
  EXPECT_LE(worst.error, c.bound) << "at " << worst.where;
}

TEST_P(StrictFloat, MapsNanToNan) {
  EXPECT_TRUE(std::isnan(GetParam().subject(kNan)));
  EXPECT_TRUE(std::isnan(GetParam().subject(-kNan)));
  EXPECT_TRUE(std::isnan(GetParam().subject(bits_as<float>(0x7f800001u))));  // signalling
}

// A vectorised loop must not differ from the scalar call in a single bit, whatever a neighbouring lane holds.
TEST_P(StrictFloat, GivesTheSameBitsInALoopOfEightAsAlone) {
  const FloatCase& c = GetParam();
  const std::vector<float> x = {0.0f, 0.3f, kInf, -0.7f, kNan, 1e-40f, -1e30f, 0.999f};
  float loop[8];
  c.eight(x.data(), loop);
  for (size_t i = 0; i < 8; ++i) {
    const float alone = c.subject(x[i]);
    if (std::isnan(alone)) {
      EXPECT_TRUE(std::isnan(loop[i])) << x[i];
    } else {
      EXPECT_EQ(bits_as<uint32_t>(loop[i]), bits_as<uint32_t>(alone)) << x[i];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllFunctions, StrictFloat, testing::ValuesIn(kFloatCases),
                         [](const auto& instance) { return std::string(instance.param.name); });

// --- double functions and powers -----------------------------------------------------------------------------------

TEST(StrictDouble, ExpStaysWithinOneUlpFromUnderflowToOverflow) {
  std::mt19937_64 engine(1);
  std::uniform_real_distribution<double> wide(-746, 711);
  std::uniform_real_distribution<double> unit(-1, 1);
  Worst worst;
  for (int i = 0; i < 2000000; ++i) {
    const double x = i % 2 == 0 ? wide(engine) : std::ldexp(unit(engine), -(i % 61));
    const long double error = ulps(strict_exp(x), std::exp(static_cast<long double>(x)));
    if (error > worst.error) worst = {error, testing::PrintToString(x)};
  }
  EXPECT_LE(worst.error, 1.0L) << "at " << worst.where;
}

TEST(StrictDouble, LogStaysWithinOneUlpOverAllExponentsAndNearOne) {
  std::mt19937_64 engine(2);
  std::uniform_real_distribution<double> unit(-1, 1);
  Worst worst;
  for (int i = 0; i < 2000000; ++i) {
    const double any = bits_as<double>(engine() >> 1);
    const double x = i % 2 == 0 ? any : 1 + std::ldexp(unit(engine), -(i % 53));
    if (!(x > 0 && x < kInfD)) continue;
    const long double error = ulps(strict_log(x), std::log(static_cast<long double>(x)));
    if (error > worst.error) worst = {error, testing::PrintToString(x)};
  }
  EXPECT_LE(worst.error, 1.0L) << "at " << worst.where;
}

TEST(StrictDouble, LogFactorialStaysWithinThreeUlp) {
  Worst worst;
  const auto check = [&](double y) {
    const long double error = ulps(strict_log_factorial(y), std::lgamma(static_cast<long double>(y) + 1));
    if (error > worst.error) worst = {error, testing::PrintToString(y)};
  };
  for (int y = 2; y < 100000; ++y) check(y);
  for (double y = 1e5; y <= 0x1p24; y = std::floor(1.0001 * y)) check(y);
  EXPECT_LE(worst.error, 3.0L) << "at " << worst.where;
  EXPECT_EQ(strict_log_factorial(0.0), 0.0);
  EXPECT_EQ(strict_log_factorial(1.0), 0.0);
}

/// The worst error of strict_pow over bases of all exponents and near one, with exponents up to under- and overflow.
template <class T>
Worst worst_power(double largest_logarithm) {
  std::mt19937_64 engine(3);
  std::uniform_real_distribution<double> unit(-1, 1);
  Worst worst;
  for (int i = 0; i < 2000000; ++i) {
    const double spread = i % 3 == 0 ? std::exp(0.99 * 0.69 * std::numeric_limits<T>::max_exponent * unit(engine))
                                     : 1 + std::ldexp(unit(engine), -(i % 30) - 1);
    const T x = static_cast<T>(spread);
    if (x == T{1}) continue;
    const double reach = i % 5 == 0 ? 2 : largest_logarithm / std::fabs(std::log(static_cast<double>(x)));
    const T y = static_cast<T>(reach * unit(engine));
    const long double exact = std::pow(static_cast<long double>(x), static_cast<long double>(y));
    const long double error = ulps(strict_pow(x, y), exact);
    if (error > worst.error) worst = {error, testing::PrintToString(x) + "^" + testing::PrintToString(y)};
  }
  return worst;
}

TEST(StrictPow, FloatStaysWithinOneUlp) {
  const Worst worst = worst_power<float>(104);
  EXPECT_LE(worst.error, 1.0L) << "at " << worst.where;
}

TEST(StrictPow, DoubleStaysWithinTwoUlp) {
  const Worst worst = worst_power<double>(746);
  EXPECT_LE(worst.error, 2.0L) << "at " << worst.where;
}

template <class T>
void expect_power_edges() {
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  for (const T x : {T{0}, T{0.5}, T{1}, T{7}, inf, nan}) EXPECT_EQ(strict_pow(x, T{0}), T{1}) << x << "^0";
  for (const T y : {-inf, T{-2}, T{0.3}, inf, nan}) EXPECT_EQ(strict_pow(T{1}, y), T{1}) << "1^" << y;
  EXPECT_EQ(strict_pow(T{0}, T{0.16}), T{0});
  EXPECT_EQ(strict_pow(T{0}, T{-1}), inf);
  EXPECT_EQ(strict_pow(inf, T{0.5}), inf);
  EXPECT_EQ(strict_pow(inf, T{-0.5}), T{0});
  EXPECT_EQ(strict_pow(T{2}, inf), inf);
  EXPECT_EQ(strict_pow(T{2}, -inf), T{0});
  EXPECT_EQ(strict_pow(T{0.5}, inf), T{0});
  EXPECT_EQ(strict_pow(T{0.5}, -inf), inf);
  EXPECT_EQ(strict_pow(T{0}, inf), T{0});
  EXPECT_EQ(strict_pow(T{2}, T{1e5}), inf);
  EXPECT_EQ(strict_pow(T{2}, T{-1e5}), T{0});
  EXPECT_EQ(strict_pow(T{2}, T{10}), T{1024});
  EXPECT_EQ(strict_pow(std::numeric_limits<T>::denorm_min(), T{1}), std::numeric_limits<T>::denorm_min());
  EXPECT_EQ(strict_pow(std::numeric_limits<T>::max(), T{2}), inf);
  EXPECT_TRUE(std::isnan(strict_pow(T{-1}, T{0.5})));
  EXPECT_TRUE(std::isnan(strict_pow(nan, T{2})));
  EXPECT_TRUE(std::isnan(strict_pow(T{2}, nan)));
}

TEST(StrictPow, HasTheUsualLimitsInFloat) { expect_power_edges<float>(); }
TEST(StrictPow, HasTheUsualLimitsInDouble) { expect_power_edges<double>(); }

// --- edges ---------------------------------------------------------------------------------------------------------

TEST(StrictExp, EndsInZeroAndInfinity) {
  EXPECT_EQ(strict_exp(0.0f), 1.0f);
  EXPECT_EQ(strict_exp(-0.0f), 1.0f);
  EXPECT_EQ(strict_exp(-kInf), 0.0f);
  EXPECT_EQ(strict_exp(-1e30f), 0.0f);
  EXPECT_EQ(strict_exp(kInf), kInf);
  EXPECT_EQ(strict_exp(88.73f), kInf);
  EXPECT_LT(strict_exp(88.72f), kInf);
  EXPECT_EQ(strict_exp(-103.97f), std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(strict_exp(0.0), 1.0);
  EXPECT_EQ(strict_exp(-kInfD), 0.0);
  EXPECT_EQ(strict_exp(kInfD), kInfD);
  EXPECT_EQ(strict_exp(709.79), kInfD);
  EXPECT_EQ(strict_exp(-745.13), std::numeric_limits<double>::denorm_min());
  EXPECT_TRUE(std::isnan(strict_exp(kNanD)));
}

TEST(StrictLog, IsMinusInfinityAtZeroAndNanBelow) {
  EXPECT_EQ(strict_log(1.0f), 0.0f);
  EXPECT_EQ(strict_log(0.0f), -kInf);
  EXPECT_EQ(strict_log(-0.0f), -kInf);
  EXPECT_EQ(strict_log(kInf), kInf);
  EXPECT_TRUE(std::isnan(strict_log(-1.0f)));
  EXPECT_TRUE(std::isnan(strict_log(-std::numeric_limits<float>::denorm_min())));
  EXPECT_TRUE(std::isnan(strict_log(-kInf)));
  EXPECT_EQ(strict_log(1.0), 0.0);
  EXPECT_EQ(strict_log(0.0), -kInfD);
  EXPECT_EQ(strict_log(kInfD), kInfD);
  EXPECT_TRUE(std::isnan(strict_log(-1e-320)));
  EXPECT_TRUE(std::isnan(strict_log(-kInfD)));
  EXPECT_TRUE(std::isnan(strict_log(kNanD)));
}

TEST(StrictTanh, SaturatesAndKeepsTheSign) {
  EXPECT_EQ(strict_tanh(kInf), 1.0f);
  EXPECT_EQ(strict_tanh(-kInf), -1.0f);
  EXPECT_EQ(strict_tanh(50.0f), 1.0f);
  EXPECT_TRUE(std::signbit(strict_tanh(-0.0f)));
  EXPECT_EQ(strict_tanh(1e-40f), 1e-40f);
}

TEST(StrictSigmoid, SaturatesAndIsOneHalfAtZero) {
  EXPECT_EQ(strict_sigmoid(0.0f), 0.5f);
  EXPECT_EQ(strict_sigmoid(-0.0f), 0.5f);
  EXPECT_EQ(strict_sigmoid(kInf), 1.0f);
  EXPECT_EQ(strict_sigmoid(-kInf), 0.0f);
  EXPECT_GT(strict_sigmoid(-100.0f), 0.0f);  // subnormal, where 1 / (1 + e^100) would be 0
}

TEST(StrictSine, IsExactAtQuarterTurns) {
  const float sine[] = {0, 1, 0, -1, 0};
  for (int q = 0; q <= 4; ++q) {
    const float u = 0.25f * static_cast<float>(q);
    EXPECT_EQ(strict_sin_2pi(u), sine[q]) << u;
    EXPECT_EQ(strict_cos_2pi(u), sine[(q + 1) % 4]) << u;
  }
}

TEST(StrictSine, IsOddToTheBitAndNanBeyondItsRange) {
  EXPECT_TRUE(std::signbit(strict_sin(-0.0f)));
  EXPECT_EQ(strict_sin(-1.5f), -strict_sin(1.5f));
  EXPECT_EQ(strict_cos(-1.5f), strict_cos(1.5f));
  for (const float x : {10001.0f, -10001.0f, 1e30f, kInf, -kInf}) {
    EXPECT_TRUE(std::isnan(strict_sin(x))) << x;
    EXPECT_TRUE(std::isnan(strict_cos(x))) << x;
  }
}

TEST(StrictMath, HashOfLogFactorialsIsPinned) {
  uint64_t hash = 14695981039346656037u;
  for (int y = 0; y < 100000; ++y)
    hash = (hash ^ bits_as<uint64_t>(strict_log_factorial(y))) * 1099511628211u;
  EXPECT_EQ(hash, 13618563466699919204u);
}

// Pinned bits: a change of compiler, flags or machine that moves any of them breaks rule "same run, same bits".
TEST(StrictMath, HashOfAMillionResultsIsPinned) {
  uint64_t hash = 14695981039346656037u;
  const auto mix = [&hash](uint64_t bits) { hash = (hash ^ bits) * 1099511628211u; };
  for (int i = 1; i <= 100000; ++i) {
    const float x = static_cast<float>(i) * 1.2345e-4f;
    for (const float y : {strict_exp(-x), strict_log(x), strict_tanh(x), strict_sigmoid(x - 6), strict_sin_2pi(x),
                          strict_cos_2pi(x), strict_sin(x), strict_cos(x), strict_pow(x, 0.16f)}) {
      mix(bits_as<uint32_t>(y));
    }
    for (const double y : {strict_exp(double{x}), strict_log(double{x}), strict_pow(double{x}, 1.7)}) {
      mix(bits_as<uint64_t>(y));
    }
  }
  EXPECT_EQ(hash, 17777904068423949765u);
}

}  // namespace
}  // namespace equipoise
