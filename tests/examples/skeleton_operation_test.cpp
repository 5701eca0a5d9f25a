// tests/examples/skeleton_operation_test.cpp - norms of rows against plain loops, on every team.
#include "tests/examples/skeleton_operation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

constexpr Tolerance kNorm{.rel = kRounding + 1e-13, .why = "a float64 sum, its root, and one rounding to float"};

/// Both operations, one phase after the other, each on every team.
Place norms_of(Rig& rig, const View& from) {
  const int rows = rig.rows(from);
  const Place slots = rig.doubles(rows * kRowLanes), to = rig.floats(rows);
  rig.run(RowSquares{from, slots}, {Rig::written_doubles(slots, rows * kRowLanes)});
  rig.run(RowNorm{slots, to, from.blocks}, {Rig::written_floats(to, rows)});
  for (int r = 0; r < rows; ++r)  // a slot is its lane's columns in rising order, to the bit
    for (int lane = 0; lane < kRowLanes; ++lane) {
      double sum = 0;
      for (int c = lane; c < from.cols; c += kRowLanes) sum += double{rig.row(from, r)[c]} * rig.row(from, r)[c];
      EXPECT_EQ(rig.double_at(slots, r * kRowLanes + lane), sum) << coordinate("slot", r, lane);
    }
  return to;
}

void expect_norms(Rig& rig, const View& from, const std::string& what) {
  const Place to = norms_of(rig, from);
  for (int r = 0; r < rig.rows(from); ++r) {
    double sum = 0;
    for (int c = 0; c < from.cols; ++c) sum += double{rig.row(from, r)[c]} * rig.row(from, r)[c];
    expect_close(rig.at(to)[r], std::sqrt(sum), std::sqrt(sum), kNorm, what + " " + coordinate("norm", r, 0));
  }
}

TEST(RowNorm, MatchesPlainLoopsForEveryShape) {
  reference::Draws draws(1);
  for (int cols : {1, 15, 16, 17, 256, 257, 1000})
    for (int rows : {1, 7})
      for (int blocks : {1, 2}) {
        Rig rig(rows + 1, rows);  // a short batch: its last row is nobody's
        const View from = rig.matrix(blocks, cols);
        rig.fill(from, draws, -2.0, 2.0);
        expect_norms(rig, from, std::to_string(cols) + " columns");
      }
}

TEST(RowNorm, MatchesAnExampleByHand) {
  Rig rig(2);
  const View from = rig.matrix(1, 17);
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 17; ++c) rig.row(from, r)[c] = 0.0f;
  rig.row(from, 0)[0] = 3.0f;
  rig.row(from, 0)[16] = -4.0f;  // of the same lane
  rig.row(from, 1)[2] = -5.0f;
  rig.row(from, 1)[15] = 12.0f;
  const Place to = norms_of(rig, from);
  EXPECT_EQ(rig.at(to)[0], 5.0f);
  EXPECT_EQ(rig.at(to)[1], 13.0f);
}

TEST(RowNorm, OfAPartReadsNothingElse) {
  reference::Draws draws(2);
  Rig rig(4, 3);
  const View from = Rig::part(rig.matrix(2, 40), 1, 1, 6, 19);  // what lies around it is NaN
  rig.fill(from, draws);
  expect_norms(rig, from, "a part");
}

TEST(RowNorm, IsFiniteWhereFloatSquaresAreNot) {
  reference::Draws draws(3);
  for (double size : {1e-30, 1e30}) {
    Rig rig(2);
    const View from = rig.matrix(1, 20);
    rig.fill(from, draws, size, 2 * size);
    expect_norms(rig, from, size < 1 ? "small rows" : "large rows");
  }
}

TEST(RowNorm, ShowsANaNInItsRowOnly) {
  reference::Draws draws(4);
  Rig rig(3);
  const View from = rig.matrix(1, 20);
  const Place slots = rig.doubles(3 * kRowLanes), to = rig.floats(3);
  rig.fill(from, draws);
  rig.row(from, 1)[18] = std::numeric_limits<float>::quiet_NaN();
  rig.run_alone(RowSquares{from, slots});
  rig.run_alone(RowNorm{slots, to, 1});
  for (int r = 0; r < 3; ++r) EXPECT_EQ(std::isnan(rig.at(to)[r]), r == 1) << r;
}

}  // namespace
}  // namespace equipoise::test
