// tests/reference/linear_test.cpp - the affine map and its derivatives.
#include "tests/reference/linear.h"

#include <gtest/gtest.h>

#include "tests/reference/finite_difference.h"
#include "tests/reference/random_problem.h"

namespace equipoise::reference {
namespace {

TEST(Linear, MultipliesByTheTransposedWeightAndAddsTheBias) {
  const Matrix y = linear(Matrix(2, 2, {1, 2, 3, 4}), Matrix(3, 2, {1, 0, 0, 1, 10, 100}), Matrix(1, 3, {0.5, 0, -1}));
  EXPECT_EQ(y.values, (std::vector<double>{1.5, 2, 209, 3.5, 4, 429}));
}

TEST(Linear, RefusesShapesThatDoNotFit) {
  EXPECT_THROW(linear(Matrix(2, 3), Matrix(4, 2), Matrix(1, 4)), std::invalid_argument);
  EXPECT_THROW(linear(Matrix(2, 3), Matrix(4, 3), Matrix(1, 3)), std::invalid_argument);
}

TEST(Linear, DerivativesAgreeWithCentralDifferences) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Draws draws(seed);
    const int batch = 1 + draws.below(5);
    const int in = 1 + draws.below(6);
    const int out = 1 + draws.below(6);
    const Matrix x = draws.matrix(batch, in);
    const Matrix weight = draws.matrix(out, in);
    const Matrix bias = draws.matrix(1, out);
    const Matrix dy = draws.matrix(batch, out);
    const LinearGradient d = linear_backward(x, weight, dy);
    const auto scalar = [&](const Matrix& xx, const Matrix& ww, const Matrix& bb) {
      return weighted_sum(linear(xx, ww, bb), dy);
    };
    const double scale = scalar(x, weight, bias);
    EXPECT_EQ(mismatch(d.x, central_difference(x, [&](const Matrix& m) { return scalar(m, weight, bias); }), scale), "")
        << "x";
    EXPECT_EQ(
        mismatch(d.weight, central_difference(weight, [&](const Matrix& m) { return scalar(x, m, bias); }), scale), "")
        << "weight";
    EXPECT_EQ(mismatch(d.bias, central_difference(bias, [&](const Matrix& m) { return scalar(x, weight, m); }), scale),
              "")
        << "bias";
  }
}

}  // namespace
}  // namespace equipoise::reference
