// tests/reference/activations_test.cpp - activations, softmax and their derivatives.
#include "tests/reference/activations.h"

#include <gtest/gtest.h>

#include "tests/reference/finite_difference.h"
#include "tests/reference/random_problem.h"

namespace equipoise::reference {
namespace {

TEST(Activations, TakeTheirKnownValues) {
  EXPECT_EQ(activate(Activation::identity, -3.0), -3.0);
  EXPECT_EQ(activate(Activation::relu, -3.0), 0.0);
  EXPECT_EQ(activate(Activation::relu, 3.0), 3.0);
  EXPECT_NEAR(activate(Activation::tanh, 0.5), 0.46211715726000979, 1e-16);
  EXPECT_NEAR(activate(Activation::sigmoid, 1.0), 0.73105857863000490, 1e-15);
}

TEST(Activations, ReluHasSlopeZeroAtZero) { EXPECT_EQ(activation_slope(Activation::relu, 0.0), 0.0); }

TEST(Activations, AreFoundByNameAndNoOtherNameIsAccepted) {
  EXPECT_EQ(activation_named("identity"), Activation::identity);
  EXPECT_EQ(activation_named("relu"), Activation::relu);
  EXPECT_EQ(activation_named("tanh"), Activation::tanh);
  EXPECT_EQ(activation_named("sigmoid"), Activation::sigmoid);
  EXPECT_THROW(activation_named("Relu"), std::invalid_argument);
}

TEST(Activations, DerivativesAgreeWithCentralDifferences) {
  for (Activation kind : {Activation::identity, Activation::relu, Activation::tanh, Activation::sigmoid}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      Draws draws(seed);
      const int rows = 1 + draws.below(4);
      const int cols = 1 + draws.below(7);
      const Matrix x = draws.matrix(rows, cols, -3.0, 3.0);
      const Matrix dy = draws.matrix(rows, cols);
      const auto scalar = [&](const Matrix& m) { return weighted_sum(activate(kind, m), dy); };
      EXPECT_EQ(mismatch(activation_backward(kind, x, dy), central_difference(x, scalar), scalar(x)), "")
          << "activation " + std::to_string(static_cast<int>(kind));
    }
  }
}

TEST(Softmax, GivesOddsOfExponentialsEvenFarFromZero) {
  const Matrix y = softmax(Matrix(2, 2, {std::log(3.0), 0.0, 1000.0, 1000.0}));
  EXPECT_NEAR(y.at(0, 0), 0.75, 1e-15);
  EXPECT_NEAR(y.at(0, 1), 0.25, 1e-15);
  EXPECT_EQ(y.at(1, 0), 0.5);
  EXPECT_EQ(y.at(1, 1), 0.5);
}

TEST(Softmax, DerivativesAgreeWithCentralDifferences) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Draws draws(seed);
    const int rows = 1 + draws.below(4);
    const int cols = 2 + draws.below(5);
    const Matrix x = draws.matrix(rows, cols, -3.0, 3.0);
    const Matrix dy = draws.matrix(rows, cols);
    const auto scalar = [&](const Matrix& m) { return weighted_sum(softmax(m), dy); };
    EXPECT_EQ(mismatch(softmax_backward(softmax(x), dy), central_difference(x, scalar), 1.0), "") << "softmax";
  }
}

}  // namespace
}  // namespace equipoise::reference
