// tests/kernels/product/lane_tiles_test.cpp - the CPU's matrix product against one fma a term, to the bit.
#include "kernels/product/lane_tiles.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

constexpr float kUntouched = -12345.0f;

/// Keeps what a tile hands over, and how often.
struct Keep {
  float* out;
  int* stores;
  int cols, in_bounds;
  float start(int row, int col) const {
    EXPECT_LT(row * cols + col, in_bounds);
    return 0.25f * static_cast<float>(row) - 0.5f * static_cast<float>(col);
  }
  void store(int row, int col, const float* sums, int count) const {
    for (int j = 0; j < count; ++j) {
      out[row * cols + col + j] = sums[j];
      ++stores[row * cols + col + j];
    }
  }
};

/// Operands whose k runs along a row (`along`) or down a column, with rows 3 floats longer than they need.
void expect_product(int rows, int cols, int depth, bool a_along, bool b_along, reference::Draws& draws) {
  const int a_stride = (a_along ? depth : rows) + 3, b_stride = (b_along ? depth : cols) + 3;
  std::vector<float> a(static_cast<std::size_t>((a_along ? rows : depth) * a_stride));
  std::vector<float> b(static_cast<std::size_t>((b_along ? cols : depth) * b_stride));
  for (float& v : a) v = static_cast<float>(draws.uniform(-1, 1));
  for (float& v : b) v = static_cast<float>(draws.uniform(-1, 1));
  const Product p{a.data(),
                  a_along ? a_stride : 1,
                  a_along ? 1 : a_stride,
                  b.data(),
                  b_along ? 1 : b_stride,
                  b_along ? b_stride : 1,
                  rows,
                  cols,
                  depth};

  std::vector<float> out(static_cast<std::size_t>(rows * cols), kUntouched);
  std::vector<int> stores(out.size(), 0);
  const Keep keep{out.data(), stores.data(), cols, rows * cols};
  for (int u = 0; u < LaneTiles::units(p); ++u) LaneTiles::unit(p, keep, u);

  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < cols; ++c) {
      float sum = keep.start(r, c);
      for (int k = 0; k < depth; ++k) sum = std::fmaf(p.a[r * p.a_row + k * p.a_k], p.b[k * p.b_k + c * p.b_col], sum);
      ASSERT_EQ(out[static_cast<std::size_t>(r * cols + c)], sum)
          << coordinate("product", r, c) << " of " << rows << " x " << cols << " over " << depth;
      ASSERT_EQ(stores[static_cast<std::size_t>(r * cols + c)], 1) << coordinate("stores", r, c);
    }
}

TEST(LaneTiles, GiveTheBitsOfOneFmaATermForEveryTailOfRowsAndColumns) {
  reference::Draws draws(1);
  for (int rows = 1; rows <= 14; ++rows)
    for (int cols = 1; cols <= 35; ++cols) expect_product(rows, cols, 5, true, true, draws);
}

TEST(LaneTiles, GiveTheSameBitsHoweverTheOperandsLie) {
  reference::Draws draws(2);
  for (bool a_along : {true, false})
    for (bool b_along : {true, false})
      for (int cols : {1, 4, 8, 9, 16, 17, 24, 33})
        for (int depth : {1, 2, 81, 300}) expect_product(7, cols, depth, a_along, b_along, draws);
}

TEST(LaneTiles, LeaveTheStartWhereNothingIsSummed) {
  reference::Draws draws(3);
  expect_product(3, 19, 0, true, true, draws);
}

TEST(LaneTiles, LetNoNeighbourOfAShortPanelIntoItsSums) {
  // Columns past the edge hold NaN: a panel must not read them into sums that it keeps.
  constexpr int kRows = 2, kCols = 5, kDepth = 3, kStride = 16;
  std::vector<float> a(kRows * kDepth, 1.0f), b(kDepth * kStride, NAN);
  for (int k = 0; k < kDepth; ++k)
    for (int c = 0; c < kCols; ++c) b[static_cast<std::size_t>(k * kStride + c)] = 1.0f;
  std::vector<float> out(kRows * kCols, NAN);
  std::vector<int> stores(out.size(), 0);
  const Keep keep{out.data(), stores.data(), kCols, kRows * kCols};
  LaneTiles::unit({a.data(), kDepth, 1, b.data(), kStride, 1, kRows, kCols, kDepth}, keep, 0);
  for (int r = 0; r < kRows; ++r)
    for (int c = 0; c < kCols; ++c) EXPECT_EQ(out[static_cast<std::size_t>(r * kCols + c)], keep.start(r, c) + 3.0f);
}

}  // namespace
}  // namespace equipoise::test
