// kernels/product/thread_tiles.h - matrix products on a GPU: one 4 x 4 tile of the result per thread, k in the thread.
// Floor: 64 fma per eight 128-bit loads. Rows of a tensor lie 4 x odd floats apart, so that neighbouring threads
// reading neighbouring rows meet no bank twice. Runs on any team; the CPU uses it to prove the GPU's cutting.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/product/product.h"

namespace equipoise {

struct ThreadTiles {
  static constexpr int kSide = 4;  ///< lines (rows or columns) of a tile, and values of k read at a time
  /// Tiles from which on those at the edge are read apart from others, where both operands are read by lines and else:
  /// where it began to gain by the model of the clocks.
  static constexpr int kManyOfLines = 24, kManyTiles = 64;
  EQ_FN static constexpr int tiles(int lines) { return (lines + kSide - 1) / kSide; }
  EQ_FN static constexpr int units(int rows, int cols) { return tiles(rows) * tiles(cols); }

  /// Whether neighbours by one index, whose stride is `stride`, are aligned for 128-bit loads at every multiple of four
  /// of it and at every value of the other index, whose stride is `other`.
  EQ_FN static bool four_at_once(const float* from, int stride, int other) {
    return stride == 1 && other % kSide == 0 && reinterpret_cast<uintptr_t>(from) % 16 == 0;
  }

  template <class Finish>
  EQ_FN static void unit(const Product& p, const Finish& finish, int unit) {
    if (unit >= units(p.rows, p.cols)) return;
    // Tiles that the last columns leave partly empty come after all others, so that few warps have tiles of both kinds.
    const int full = p.b_col == 1 ? p.cols / kSide : tiles(p.cols), edge = unit - tiles(p.rows) * full;
    const Lines rows(edge < 0 ? unit / full : edge, p.rows, p.a_row),
        cols(edge < 0 ? unit % full : full, p.cols, p.b_col);
    const Operand a(p.a, p.a_row, p.a_k, p.a_lines, rows), b(p.b, p.b_col, p.b_k, p.b_lines, cols);
    float sum[kSide][kSide];
    EQ_UNROLL
    for (int r = 0; r < kSide; ++r) {
      EQ_UNROLL
      for (int c = 0; c < kSide; ++c) {
        sum[r][c] = rows.has(r) && cols.has(c) ? finish.start(rows.at(r), cols.at(c)) : 0.0f;
      }
    }
    // How operands are read is chosen here and not for every k.
    const int blocks = p.depth / kSide;
    // In a large matrix edge tiles fill warps of their own; in a small one they share one, which had better go one way.
    const bool together =
        (!a.wide || !b.wide) && units(p.rows, p.cols) < (p.a_lines && p.b_lines ? kManyOfLines : kManyTiles);
    if (together) add_blocks<Read::apart, Read::apart>(a, b, blocks, sum);
    else if (!a.wide) add_blocks_with<Read::apart>(a, b, p.b_lines, blocks, sum);
    else if (p.a_lines) add_blocks_with<Read::along_lines>(a, b, p.b_lines, blocks, sum);
    else add_blocks_with<Read::along_k>(a, b, p.b_lines, blocks, sum);
    for (int k = blocks * kSide; k < p.depth; ++k) {
      float x[kSide], y[kSide];
      a.read_one(k, x);
      b.read_one(k, y);
      multiply(x, y, sum);
    }
    EQ_UNROLL
    for (int r = 0; r < kSide; ++r) {
      if (!rows.has(r)) continue;
      if (cols.gap == 1) {
        finish.store(rows.at(r), cols.first, sum[r], cols.count());
      } else {
        EQ_UNROLL
        for (int c = 0; c < kSide; ++c) {
          if (cols.has(c)) finish.store(rows.at(r), cols.at(c), sum[r] + c, 1);
        }
      }
    }
  }

 private:
  /// Which rows (or columns) a tile covers: neighbours where neighbours lie side by side in memory and so make one
  /// load, else lines a quarter of the matrix apart, so that neighbouring threads read neighbouring lines.
  struct Lines {
    int first, gap, end;
    EQ_FN Lines(int tile, int lines, int stride)
        : first(stride == 1 ? tile * kSide : tile), gap(stride == 1 ? 1 : tiles(lines)), end(lines) {}
    EQ_FN int at(int i) const { return first + i * gap; }
    EQ_FN bool has(int i) const { return at(i) < end; }
    EQ_FN int count() const { return end - first < kSide ? end - first : kSide; }  // of neighbours
  };

  /// 128-bit loads by four values of k or by four lines, or a load for each value.
  enum class Read { along_k, along_lines, apart };

  /// Four lines of an operand, read in blocks of four values of k. A line past the edge repeats the first: its sums are
  /// formed and thrown away.
  struct Operand {
    const float* from;
    int line[kSide];  // where each line begins, in floats; 32 bits reach over a replica's memory
    int step;         // floats from one k to the next
    bool wide;        // 128-bit loads

    EQ_FN Operand(const float* first, int line_stride, int k_stride, bool along_lines, const Lines& lines)
        : from(first), step(k_stride) {
      EQ_UNROLL
      for (int i = 0; i < kSide; ++i) {
        line[i] = (lines.has(i) ? lines.at(i) : lines.first) * line_stride;
      }
      wide = along_lines ? lines.has(kSide - 1) && four_at_once(from, line_stride, k_stride)
                         : four_at_once(from, k_stride, line_stride);
    }
    /// Where the loads of a block of k begin, each `stride` further for the next: pointers that walk take an addition
    /// where an index takes a product.
    template <Read How>
    EQ_FN void places(const float* (&at)[kSide]) const {
      EQ_UNROLL
      for (int i = 0; i < kSide; ++i) at[i] = How == Read::along_lines ? from + line[0] + i * step : from + line[i];
    }
    template <Read How>
    EQ_FN int stride() const {
      return How == Read::along_k ? kSide : kSide * step;
    }
    /// to[i][l] = value of line l at k + i, from `at` on.
    template <Read How>
    EQ_FN void read(const float* const (&at)[kSide], float (&to)[kSide][kSide]) const {
      if (How == Read::along_k) {
        EQ_UNROLL
        for (int l = 0; l < kSide; ++l) {
          float four[kSide];
          load(at[l], four);
          EQ_UNROLL
          for (int i = 0; i < kSide; ++i) to[i][l] = four[i];
        }
      } else if (How == Read::along_lines) {
        EQ_UNROLL
        for (int i = 0; i < kSide; ++i) load(at[i], to[i]);
      } else {
        EQ_UNROLL
        for (int i = 0; i < kSide; ++i) {
          EQ_UNROLL
          for (int l = 0; l < kSide; ++l) to[i][l] = at[l][i * step];
        }
      }
    }
    EQ_FN void read_one(int k, float* to) const {
      EQ_UNROLL
      for (int l = 0; l < kSide; ++l) to[l] = from[line[l] + k * step];
    }
    EQ_FN static void load(const float* four, float* to) {
      __builtin_memcpy(to, __builtin_assume_aligned(four, 16), kSide * sizeof(float));
    }
  };

  template <Read A>
  EQ_FN static void add_blocks_with(const Operand& a, const Operand& b, bool b_lines, int blocks,
                                    float (&sum)[kSide][kSide]) {
    if (!b.wide) add_blocks<A, Read::apart>(a, b, blocks, sum);
    else if (b_lines) add_blocks<A, Read::along_lines>(a, b, blocks, sum);
    else add_blocks<A, Read::along_k>(a, b, blocks, sum);
  }

  /// The sums over `blocks` blocks of four values of k.
  template <Read A, Read B>
  EQ_FN static void add_blocks(const Operand& a, const Operand& b, int blocks, float (&sum)[kSide][kSide]) {
    const float *from_a[kSide], *from_b[kSide];
    a.template places<A>(from_a);
    b.template places<B>(from_b);
    const int stride_a = a.template stride<A>(), stride_b = b.template stride<B>();
    for (int block = 0; block < blocks; ++block) {
      float x[kSide][kSide], y[kSide][kSide];
      a.template read<A>(from_a, x);
      b.template read<B>(from_b, y);
      EQ_UNROLL
      for (int i = 0; i < kSide; ++i) multiply(x[i], y[i], sum);
      EQ_UNROLL
      for (int i = 0; i < kSide; ++i) from_a[i] += stride_a, from_b[i] += stride_b;
    }
  }

  EQ_FN static void multiply(const float* x, const float* y, float (&sum)[kSide][kSide]) {
    EQ_UNROLL
    for (int r = 0; r < kSide; ++r) {
      EQ_UNROLL
      for (int c = 0; c < kSide; ++c) {
        sum[r][c] = fmaf(x[r], y[c], sum[r][c]);
      }
    }
  }
};

}  // namespace equipoise
