// tests/kernels/ops/squared_error_test.cpp - mean squared error of several blocks against one target, and its gradient.
#include "kernels/ops/squared_error.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

void expect_error(const Shape& s, int blocks, int task, bool has_gradient, bool sums = false) {
  reference::Draws draws(41);
  Rig rig(s.batch, s.n);
  const View y = rig.matrix(blocks, s.cols), target = rig.matrix(1, s.cols), dy = rig.matrix(blocks, s.cols);
  const Place slots = rig.doubles(blocks * s.batch * kRowLanes);
  rig.fill(y, draws, -2, 2);
  rig.fill(target, draws, -2, 2);
  rig.control().shared_weights[3] = 2.6;
  const float scale = 0.75f;
  std::vector<Written> writes{Rig::written_doubles(slots, rig.rows(y) * kRowLanes)};
  if (has_gradient) writes.push_back(rig.written(dy));
  rig.run(SquaredError{y, target, dy, slots, scale, task, has_gradient, sums}, writes);
  const Tolerance t{.rel = 6 * kRounding,
                    .why = "three roundings of the factor, one of the difference, one of the product"};
  for (int r = 0; r < rig.rows(y); ++r) {
    for (int lane = 0; lane < kRowLanes; ++lane) {
      double sum = 0;
      for (int c = lane; c < s.cols; c += kRowLanes) {
        const double d = double{rig.row(y, r)[c]} - double{rig.row(target, r % s.n)[c]};
        sum += d * d;
      }
      EXPECT_EQ(rig.double_at(slots, r * kRowLanes + lane), sum) << name_of(s) << ", " << coordinate("slot", r, lane);
    }
    if (!has_gradient) continue;
    for (int c = 0; c < s.cols; ++c) {
      const double d = double{rig.row(y, r)[c]} - double{rig.row(target, r % s.n)[c]};
      const double expected = 2 * scale * (task < 0 ? 1.0 : 2.6) * d / (sums ? 1 : s.n * s.cols);
      expect_close(rig.row(dy, r)[c], expected, std::fabs(expected), t, name_of(s) + " " + coordinate("dy", r, c));
    }
  }
}

TEST(SquaredError, SlotsTheSquaresAndWritesTheGradientOfEveryBlock) {
  for (const Shape& s : kShapes)
    for (int blocks : {1, 2, 3})
      for (int task : {-1, 3}) expect_error(s, blocks, task, true);
}

TEST(SquaredError, AsASumHasAGradientThatNoNumberOfRowsDivides) {
  for (const Shape& s : kShapes)
    for (int task : {-1, 3}) expect_error(s, 2, task, true, true);
}

TEST(SquaredError, WithoutAGradientWritesSlotsOnly) { expect_error({8, 5, 81}, 2, -1, false); }

TEST(SquaredError, OfSubViewsLeavesTheRestAlone) {
  reference::Draws draws(42);
  Rig rig(4, 3);
  const View wide = rig.matrix(2, 40), target = rig.matrix(1, 40), gradient = rig.matrix(2, 40);
  const Place slots = rig.doubles(3 * kRowLanes);
  const View y = Rig::part(wide, 1, 1, 6, 19), t = Rig::part(target, 0, 1, 2, 19),
             dy = Rig::part(gradient, 1, 1, 20, 19);
  rig.fill(y, draws);
  rig.fill(t, draws);
  rig.run(SquaredError{y, t, dy, slots, 1.0f, -1, true, false},
          {rig.written(dy), Rig::written_doubles(slots, 3 * kRowLanes)});
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 19; ++c) {
      const double expected = 2.0 * (double{rig.row(y, r)[c]} - double{rig.row(t, r)[c]}) / (3 * 19);
      const Tolerance few{.rel = 4 * kRounding,
                          .why = "two roundings of the factor, one each of difference and product"};
      expect_close(rig.row(dy, r)[c], expected, std::fabs(expected), few, coordinate("dy", r, c));
    }
}

}  // namespace
}  // namespace equipoise::test
