// tests/kernels/ops/activation_test.cpp - activations and their derivatives against the double reference.
#include "kernels/ops/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/harness.h"
#include "tests/reference/activations.h"

namespace equipoise::test {
namespace {

constexpr Activation kAll[] = {Activation::identity, Activation::relu, Activation::tanh, Activation::sigmoid};

reference::Activation same(Activation a) { return static_cast<reference::Activation>(a); }

std::vector<float> inputs() {
  std::vector<float> x = {0.0f, -0.0f, 1e-30f, -1e-30f, 20.0f, -20.0f, 90.0f, -90.0f, 1e30f, -1e30f};
  for (int i = -400; i <= 400; ++i) x.push_back(0.025f * static_cast<float>(i));
  return x;
}

TEST(Activation, IsTheReferencesToWithinAFewRoundings) {
  const std::vector<float> x = inputs();
  std::vector<float> y(x.size());
  for (Activation a : kAll) {
    activate(a, x.data(), y.data(), static_cast<int>(x.size()));
    const Tolerance t{.rel = 5 * kRounding, .why = "the 2.5 ulp that tanh and sigmoid are bounded by"};
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = reference::activate(same(a), double{x[i]});
      const double smallest = std::numeric_limits<float>::min();
      expect_close(y[i], expected, std::fabs(expected) + smallest, t,
                   "activation " + std::to_string(static_cast<int>(a)) + " of " + std::to_string(x[i]));
    }
  }
}

TEST(Activation, KeepsANaN) {
  const float x = std::numeric_limits<float>::quiet_NaN();
  for (Activation a : kAll) {
    float y = 0;
    activate(a, &x, &y, 1);
    EXPECT_TRUE(std::isnan(y)) << static_cast<int>(a);
  }
}

TEST(Activation, ReluKeepsInfinity) {
  const float x[2] = {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  float y[2];
  activate(Activation::relu, x, y, 2);
  EXPECT_EQ(y[0], x[0]);
  EXPECT_EQ(y[1], 0.0f);
}

TEST(ActivationGradient, IsTheReferencesSlopeAtTheSameInput) {
  const std::vector<float> x = inputs();
  std::vector<float> y(x.size()), dx(x.size());
  const std::vector<float> dy(x.size(), 3.0f);
  for (Activation a : kAll) {
    activate(a, x.data(), y.data(), static_cast<int>(x.size()));
    activate_gradient(a, y.data(), dy.data(), dx.data(), static_cast<int>(x.size()));
    // 1 - y^2 and y (1 - y) inherit the absolute error of y, a few roundings of at most 1.
    const Tolerance t{.rel = 16 * kRounding, .why = "a few roundings of values up to 1, times dy"};
    for (std::size_t i = 0; i < x.size(); ++i)
      expect_close(dx[i], 3.0 * reference::activation_slope(same(a), double{x[i]}), 3.0, t,
                   "slope of activation " + std::to_string(static_cast<int>(a)) + " at " + std::to_string(x[i]));
  }
}

TEST(ActivationGradient, OfReluIsZeroAtZeroAndBelow) {
  const float y[3] = {0.0f, -0.0f, 1e-38f}, dy[3] = {5.0f, 5.0f, 5.0f};
  float dx[3];
  activate_gradient(Activation::relu, y, dy, dx, 3);
  EXPECT_EQ(dx[0], 0.0f);
  EXPECT_EQ(dx[1], 0.0f);
  EXPECT_EQ(dx[2], 5.0f);
}

TEST(Activation, TouchesNoMoreThanItsCount) {
  const float x[4] = {1, 2, 3, 4};
  for (Activation a : kAll) {
    float y[4] = {-7, -7, -7, -7}, dx[4] = {-7, -7, -7, -7};
    activate(a, x, y, 2);
    activate_gradient(a, x, x, dx, 2);
    EXPECT_EQ(y[2], -7.0f);
    EXPECT_EQ(dx[2], -7.0f);
  }
}

}  // namespace
}  // namespace equipoise::test
