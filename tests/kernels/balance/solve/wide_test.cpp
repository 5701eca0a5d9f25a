// tests/kernels/balance/solve/wide_test.cpp - wide numbers against quadruple precision.
#include "kernels/balance/solve/wide.h"

#include <gtest/gtest.h>

#include <random>

namespace equipoise::test {
namespace {

__extension__ using Quad = __float128;  // 113 bits; a Wide has 106 or more

Quad quad(Wide x) { return Quad{x.hi} + Quad{x.lo}; }
Quad magnitude(Quad x) { return x < 0 ? -x : x; }

class WideNumbers : public ::testing::Test {
 protected:
  Wide draw() {
    const double hi = std::ldexp(normal_(random_), std::uniform_int_distribution<int>(-60, 60)(random_));
    return wide_join(hi, hi * 0x1p-54 * normal_(random_));
  }
  std::mt19937_64 random_{1};
  std::normal_distribution<double> normal_;
};

TEST_F(WideNumbers, KeepAHundredBits) {
  const Quad bound = 0x1p-101;  // a few times 2^-104
  for (int n = 0; n < 200000; ++n) {
    const Wide a = draw(), b = draw();
    const Quad x = quad(a), y = quad(b);
    ASSERT_LE(magnitude(quad(a + b) - (x + y)), bound * magnitude(x + y));
    ASSERT_LE(magnitude(quad(a - b) - (x - y)), bound * magnitude(x - y));
    ASSERT_LE(magnitude(quad(a * b) - x * y), bound * magnitude(x * y));
    ASSERT_LE(magnitude(quad(wide_reciprocal(a)) - 1 / x), bound * magnitude(1 / x));
  }
}

TEST_F(WideNumbers, AreExactForSumsAndProductsOfDoubles) {
  for (int n = 0; n < 20000; ++n) {
    const double a = normal_(random_), b = normal_(random_) * 0x1p-20;
    ASSERT_TRUE(quad(wide_product(a, b)) == Quad{a} * Quad{b});
    ASSERT_TRUE(quad(wide_sum(b, a)) == Quad{a} + Quad{b});
  }
}

TEST_F(WideNumbers, CancelExactly) {
  for (int n = 0; n < 20000; ++n) {
    const Wide a = draw(), zero = a - a;
    ASSERT_EQ(zero.hi, 0);
    ASSERT_EQ(zero.lo, 0);
  }
}

}  // namespace
}  // namespace equipoise::test
