// tests/kernels/ops/softmax_test.cpp - softmax and its gradient.
#include "kernels/ops/softmax.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

// A row's sum of up to 300 exponentials in float32, every one of them positive.
Tolerance softmax_tolerance(int cols) {
  return {.rel = (cols + 16) * kRounding, .why = "n u for a sum of n positive terms, an exp of 2 ulp, a division"};
}

TEST(Softmax, IsTheReferencesAtEveryShape) {
  for (const Shape& s : kShapes) {
    reference::Draws draws(51);
    Rig rig(s.batch, s.n);
    const View x = rig.matrix(1, s.cols), y = rig.matrix(1, s.cols);
    rig.fill(x, draws, -6, 6);
    rig.run(Softmax{x, y}, {rig.written(y)});
    const reference::Matrix expected = reference::softmax(to_matrix(rig, x));
    for (int r = 0; r < s.n; ++r)
      for (int c = 0; c < s.cols; ++c)
        // x - largest is rounded: an error of up to |x - largest| u <= 12 u in the exponent.
        expect_close(rig.row(y, r)[c], expected.at(r, c), expected.at(r, c), softmax_tolerance(s.cols),
                     name_of(s) + " " + coordinate("y", r, c));
  }
}

TEST(Softmax, NeitherOverflowsNorLosesTheLargest) {
  Rig rig(2);
  const View x = rig.matrix(1, 3), y = rig.matrix(1, 3);
  const float rows[2][3] = {{3e38f, 1.0f, -3e38f}, {-1000.0f, -1000.0f, -1200.0f}};
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 3; ++c) rig.row(x, r)[c] = rows[r][c];
  rig.run(Softmax{x, y}, {rig.written(y)});
  EXPECT_EQ(rig.row(y, 0)[0], 1.0f);
  EXPECT_EQ(rig.row(y, 0)[1], 0.0f);
  EXPECT_EQ(rig.row(y, 0)[2], 0.0f);
  EXPECT_EQ(rig.row(y, 1)[0], 0.5f);
  EXPECT_EQ(rig.row(y, 1)[1], 0.5f);
}

TEST(SoftmaxGradient, IsTheReferences) {
  for (const Shape& s : kShapes) {
    reference::Draws draws(52);
    Rig rig(s.batch, s.n);
    const View x = rig.matrix(1, s.cols), y = rig.matrix(1, s.cols), dy = rig.matrix(1, s.cols),
               dx = rig.matrix(1, s.cols);
    rig.fill(x, draws, -2, 2);
    rig.fill(dy, draws);
    rig.run(Softmax{x, y}, {rig.written(y)});
    rig.run(SoftmaxGradient{y, dy, dx}, {rig.written(dx)});
    const reference::Matrix probability = to_matrix(rig, y), d = to_matrix(rig, dy);
    const reference::Matrix expected = reference::softmax_backward(probability, d);
    const Tolerance t{.rel = (s.cols + 4) * kRounding,
                      .why = "n u for the inner product, then a difference and a product"};
    for (int r = 0; r < s.n; ++r) {
      double magnitude = 0;
      for (int c = 0; c < s.cols; ++c) magnitude += std::fabs(probability.at(r, c) * d.at(r, c));
      for (int c = 0; c < s.cols; ++c)
        expect_close(rig.row(dx, r)[c], expected.at(r, c), probability.at(r, c) * (std::fabs(d.at(r, c)) + magnitude),
                     t, name_of(s) + " " + coordinate("dx", r, c));
    }
  }
}

}  // namespace
}  // namespace equipoise::test
