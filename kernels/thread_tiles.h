// kernels/thread_tiles.h - matrix products on a GPU: one 4 x 4 tile of the result per thread, k in the thread.
// Floor: 16 fma per two 128-bit loads along k or along the tile (row strides are 4 x odd floats: no bank conflicts).
// Runs on any team; the CPU uses it to prove the GPU's cutting.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/product.h"

namespace equipoise {

struct ThreadTiles {
  static constexpr int kRows = 4, kCols = 4;
  EQ_FN static constexpr int units(int rows, int cols) {
    return ((rows + kRows - 1) / kRows) * ((cols + kCols - 1) / kCols);
  }

  template <class Finish>
  EQ_FN static void unit(const Product& p, const Finish& finish, int unit) {
    const int across = (p.cols + kCols - 1) / kCols;
    const int row = unit / across * kRows;
    const int col = unit % across * kCols;
    if (row >= p.rows) return;
    // Rows and columns past the edge repeat the last valid one: their sums are formed and thrown away.
    const float* a[kRows];
    const float* b[kCols];
    float sum[kRows][kCols];
    for (int r = 0; r < kRows; ++r) a[r] = p.a + static_cast<int64_t>(row + r < p.rows ? row + r : p.rows - 1) * p.a_row;
    for (int c = 0; c < kCols; ++c) b[c] = p.b + static_cast<int64_t>(col + c < p.cols ? col + c : p.cols - 1) * p.b_col;
    for (int r = 0; r < kRows; ++r)
      for (int c = 0; c < kCols; ++c)
        sum[r][c] = row + r < p.rows && col + c < p.cols ? finish.start(row + r, col + c) : 0.0f;
    for (int k = 0; k < p.depth; ++k) {
      float x[kRows], y[kCols];
      for (int r = 0; r < kRows; ++r) x[r] = a[r][static_cast<int64_t>(k) * p.a_k];
      for (int c = 0; c < kCols; ++c) y[c] = b[c][static_cast<int64_t>(k) * p.b_k];
      for (int r = 0; r < kRows; ++r)
        for (int c = 0; c < kCols; ++c) sum[r][c] = fmaf(x[r], y[c], sum[r][c]);
    }
    const int count = p.cols - col < kCols ? p.cols - col : kCols;
    for (int r = 0; r < kRows; ++r)
      if (row + r < p.rows) finish.store(row + r, col, sum[r], count);
  }
};

}  // namespace equipoise
