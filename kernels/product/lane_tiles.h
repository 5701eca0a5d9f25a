// kernels/product/lane_tiles.h - matrix products on a CPU core: panels of 16 columns, tiles of 6 x 16 in registers.
// Host only. Floor: 6 x 2 fma per 6 broadcasts and 2 loads, so the two fma ports are the limit (16 multiply-adds a
// clock).
#pragma once

#include <vector>

#include "kernels/base/lanes.h"
#include "kernels/product/product.h"

// Before a loop over registers: as an array indexed at run time they would live in memory.
#if defined(__clang__)
#define EQ_HOST_UNROLL _Pragma("clang loop unroll(full)")
#else
#define EQ_HOST_UNROLL _Pragma("GCC unroll 8")
#endif

namespace equipoise {

struct LaneTiles {
  static constexpr int kPanel = 16;
  /// One unit is one panel of columns over all rows.
  static constexpr int units(const Product& p) { return (p.cols + kPanel - 1) / kPanel; }

  template <class Finish>
  static void unit(const Product& p, const Finish& finish, int unit) {
    const int col = unit * kPanel;
    const int count = p.cols - col < kPanel ? p.cols - col : kPanel;
    const float* panel = p.b + static_cast<long>(col) * p.b_col;
    int stride = p.b_k;
    const int width = count > 8 ? 16 : 8;
    if (p.b_col != 1 || count < width) {  // gather the panel so that columns are neighbours; absent ones are zero
      panel = pack(p, panel, count, width);
      stride = width;
    }
    // A full panel knows its width while compiling, and so do the loops of its start and finish.
    if (count == 16) rows<2, true>(p, finish, panel, stride, col, 16);
    else if (width == 16) rows<2, false>(p, finish, panel, stride, col, count);
    else if (count == 8) rows<1, true>(p, finish, panel, stride, col, 8);
    else rows<1, false>(p, finish, panel, stride, col, count);
  }

 private:
  static float* scratch(std::size_t floats) {
    thread_local std::vector<float> memory;
    if (memory.size() < floats) memory.resize(floats);
    return memory.data();
  }

  /// The panel as [depth, width], columns past `count` zero.
  static const float* pack(const Product& p, const float* panel, int count, int width) {
    float* packed = scratch(static_cast<std::size_t>(p.depth) * width);
    for (int j = 0; j < width; j += 8) {
      int k = 0;
      if (p.b_k == 1 && j + 8 <= count) {  // rows of eight along k turn into columns
        for (; k + 8 <= p.depth; k += 8) {
          Lanes block[8];
          for (int i = 0; i < 8; ++i) block[i] = Lanes::load(panel + static_cast<long>(j + i) * p.b_col + k);
          transpose(block);
          for (int i = 0; i < 8; ++i) block[i].store(packed + (k + i) * width + j);
        }
      }
      for (; k < p.depth; ++k)
        for (int i = j; i < j + 8; ++i)
          packed[k * width + i] =
              i < count ? panel[static_cast<long>(k) * p.b_k + static_cast<long>(i) * p.b_col] : 0.0f;
    }
    return packed;
  }

  template <int Width, bool Full, class Finish>
  static void rows(const Product& p, const Finish& finish, const float* panel, int stride, int col, int count) {
    int row = 0;
    // Tiles of six, but the last seven or eight rows as four and the rest: a tile of one or two leaves the ports
    // waiting.
    for (; p.rows - row == 6 || p.rows - row > 8; row += 6)
      tile<6, Width, Full>(p, finish, panel, stride, row, col, count);
    if (p.rows - row > 6) {
      tile<4, Width, Full>(p, finish, panel, stride, row, col, count);
      row += 4;
    }
    switch (p.rows - row) {
      case 5:
        return tile<5, Width, Full>(p, finish, panel, stride, row, col, count);
      case 4:
        return tile<4, Width, Full>(p, finish, panel, stride, row, col, count);
      case 3:
        return tile<3, Width, Full>(p, finish, panel, stride, row, col, count);
      case 2:
        return tile<2, Width, Full>(p, finish, panel, stride, row, col, count);
      case 1:
        return tile<1, Width, Full>(p, finish, panel, stride, row, col, count);
      default:
        return;
    }
  }

  template <int Rows, int Width, bool Full, class Finish>
  static void tile(const Product& p, const Finish& finish, const float* panel, int stride, int row, int col, int some) {
    const int count = Full ? 8 * Width : some;
    // Loops that call the finish do not unroll (it may hold a tanh), so they see a copy of the sums.
    float buffer[Rows][8 * Width];
    for (int r = 0; r < Rows; ++r)
      for (int j = 0; j < 8 * Width; ++j) buffer[r][j] = j < count ? finish.start(row + r, col + j) : 0.0f;
    Lanes sum[Rows][Width];
    EQ_HOST_UNROLL
    for (int r = 0; r < Rows; ++r) {
      EQ_HOST_UNROLL
      for (int w = 0; w < Width; ++w) sum[r][w] = Lanes::load(buffer[r] + 8 * w);
    }
    const float* a = p.a + static_cast<long>(row) * p.a_row;
    for (int k = 0; k < p.depth; ++k, a += p.a_k, panel += stride) {
      Lanes b[Width];
      EQ_HOST_UNROLL
      for (int w = 0; w < Width; ++w) b[w] = Lanes::load(panel + 8 * w);
      EQ_HOST_UNROLL
      for (int r = 0; r < Rows; ++r) {
        const Lanes x = Lanes::broadcast(a[static_cast<long>(r) * p.a_row]);
        EQ_HOST_UNROLL
        for (int w = 0; w < Width; ++w) sum[r][w] = fused(x, b[w], sum[r][w]);
      }
    }
    EQ_HOST_UNROLL
    for (int r = 0; r < Rows; ++r) {
      EQ_HOST_UNROLL
      for (int w = 0; w < Width; ++w) sum[r][w].store(buffer[r] + 8 * w);
    }
    for (int r = 0; r < Rows; ++r) finish.store(row + r, col, buffer[r], count);
  }
};

}  // namespace equipoise
