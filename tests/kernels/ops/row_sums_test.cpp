// tests/kernels/ops/row_sums_test.cpp - columns summed over the rows of a batch, block by block.
#include "kernels/ops/row_sums.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

void expect_sums(const Shape& s, int blocks, int stride) {
  reference::Draws draws(61);
  Rig rig(s.batch, s.n);
  const View from = rig.matrix(blocks, s.cols);
  const Place to = rig.floats(blocks * stride);
  rig.fill(from, draws);
  rig.run(RowSums{from, to, stride}, {Rig::written_floats(to, blocks * stride)});
  for (int b = 0; b < blocks; ++b)
    for (int c = 0; c < stride; ++c) {
      double sum = 0, magnitude = 0;
      for (int r = 0; c < s.cols && r < s.n; ++r) {
        sum += rig.row(from, b * s.n + r)[c];
        magnitude += std::fabs(rig.row(from, b * s.n + r)[c]);
      }
      const Tolerance t{.rel = s.n * kRounding, .why = "one float rounding a row, each of at most the sum of sizes"};
      expect_close(rig.at(to)[b * stride + c], sum, magnitude, t, name_of(s) + " " + coordinate("sum", b, c));
    }
}

TEST(RowSums, AddUpEveryColumnOfEachBlock) {
  for (const Shape& s : kShapes)
    for (int blocks : {1, 2, 3}) expect_sums(s, blocks, s.cols);
}

TEST(RowSums, SetWhatPadsARowToZero) {
  for (const Shape& s : kShapes) expect_sums(s, 2, s.cols + 7);
}

TEST(RowSums, AddRowsInRisingOrder) {
  // A quarter of the last place of 1 is lost when it is added to 1; three of them added up first are not.
  Rig rig(4);
  const View from = rig.matrix(1, 1);
  const Place to = rig.floats(1);
  const float values[] = {1.0f, 0x1p-25f, 0x1p-25f, 0x1p-25f};
  for (int r = 0; r < 4; ++r) rig.row(from, r)[0] = values[r];
  rig.run(RowSums{from, to, 1}, {Rig::written_floats(to, 1)});
  EXPECT_EQ(rig.at(to)[0], 1.0f);
  for (int r = 0; r < 4; ++r) rig.row(from, r)[0] = values[3 - r];
  rig.run(RowSums{from, to, 1}, {Rig::written_floats(to, 1)});
  EXPECT_EQ(rig.at(to)[0], 1.0f + 0x1p-23f) << "three quarters of a place round up";
}

TEST(RowSums, OfAPartReadNothingElse) {
  reference::Draws draws(62);
  Rig rig(5, 3);
  const View wide = rig.matrix(2, 12);
  const View from = Rig::part(wide, 1, 1, 4, 6);
  const Place to = rig.floats(8);
  rig.fill(from, draws);
  rig.run(RowSums{from, to, 8}, {Rig::written_floats(to, 8)});
  for (int c = 0; c < 6; ++c)
    EXPECT_EQ(rig.at(to)[c], rig.row(from, 0)[c] + rig.row(from, 1)[c] + rig.row(from, 2)[c]) << c;
}

TEST(RowSums, ShowANaNInItsColumnOnly) {
  reference::Draws draws(63);
  Rig rig(3);
  const View from = rig.matrix(2, 5);
  const Place to = rig.floats(10);
  rig.fill(from, draws);
  rig.row(from, 4)[2] = std::numeric_limits<float>::quiet_NaN();
  rig.run(RowSums{from, to, 5}, {Rig::written_floats(to, 10)});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(std::isnan(rig.at(to)[i]), i == 7) << i;
}

}  // namespace
}  // namespace equipoise::test
