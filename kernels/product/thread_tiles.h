// kernels/product/thread_tiles.h - matrix products on a GPU: a square tile of the result per thread, k in the thread.
// Floor: of a tile of 4 x 4, 64 fma per eight 128-bit loads. Tiles of 2 x 2 read twice as much an fma, but four times
// as many threads share the work: for a product that the rest of its phase would wait for (engine/lower/plan.cpp). Rows
// of a tensor lie 4 x odd floats apart, so that neighbouring threads reading neighbouring rows meet no bank twice. Runs
// on any team; the CPU uses it to prove the GPU's cutting.
#pragma once

#include <cmath>

#include "kernels/product/product.h"

namespace equipoise {

/// Tiles of `Side` lines (rows or columns) by as many.
template <int Side>
struct SquareTiles {
  static constexpr int kDeep = 4;  ///< values of k read at a time
  /// Tiles from which on those at the edge are read apart from others, where both operands are read by lines and else:
  /// for 4 x 4 where it began to gain by the model of the clocks, for 2 x 2 at products of the same size.
  static constexpr int kManyOfLines = Side == 4 ? 24 : 96, kManyTiles = Side == 4 ? 64 : 256;
  EQ_FN static constexpr int tiles(int lines) { return (lines + Side - 1) / Side; }
  EQ_FN static constexpr int units(int rows, int cols) { return tiles(rows) * tiles(cols); }

  /// Whether neighbours by one index, whose stride is `stride`, are aligned for loads of `count` at every multiple of
  /// `count` of it and at every value of the other index, whose stride is `other`: of an operand that begins `place`
  /// floats from somewhere aligned. (A place, unlike an address, may be known when a kernel is compiled.)
  EQ_FN static constexpr bool at_once(int count, int place, int stride, int other) {
    return stride == 1 && other % count == 0 && place % count == 0;
  }

  template <class Finish>
  EQ_FN static void unit(const Product& p, const Finish& finish, int unit) {
    if (unit >= units(p.rows, p.cols)) return;
    // Tiles that the last columns leave partly empty come after all others, so that few warps have tiles of both kinds.
    const int full = p.b_col == 1 ? p.cols / Side : tiles(p.cols), edge = unit - tiles(p.rows) * full;
    const Lines rows(edge < 0 ? unit / full : edge, p.rows, p.a_row),
        cols(edge < 0 ? unit % full : full, p.cols, p.b_col);
    const Operand a(p.a, p.a_place, p.a_row, p.a_k, p.a_lines, rows),
        b(p.b, p.b_place, p.b_col, p.b_k, p.b_lines, cols);
    float sum[Side][Side];
    EQ_UNROLL
    for (int r = 0; r < Side; ++r) {
      EQ_UNROLL
      for (int c = 0; c < Side; ++c) {
        sum[r][c] = rows.has(r) && cols.has(c) ? finish.start(rows.at(r), cols.at(c)) : 0.0f;
      }
    }
    // How operands are read is chosen here and not for every k.
    const int blocks = p.depth / kDeep;
    // In a large matrix edge tiles fill warps of their own; in a small one they share one, which had better go one way.
    const bool together =
        (!a.wide || !b.wide) && units(p.rows, p.cols) < (p.a_lines && p.b_lines ? kManyOfLines : kManyTiles);
    if (together) add_blocks<Read::apart, Read::apart>(a, b, blocks, sum);
    else if (!a.wide) add_blocks_with<Read::apart>(a, b, p.b_lines, blocks, sum);
    else if (p.a_lines) add_blocks_with<Read::along_lines>(a, b, p.b_lines, blocks, sum);
    else add_blocks_with<Read::along_k>(a, b, p.b_lines, blocks, sum);
    EQ_ROLLED
    for (int k = blocks * kDeep; k < p.depth; ++k) {
      float x[Side], y[Side];
      a.read_one(k, x);
      b.read_one(k, y);
      multiply(x, y, sum);
    }
    EQ_UNROLL
    for (int r = 0; r < Side; ++r) {
      if (!rows.has(r)) continue;
      if (cols.gap == 1) {
        finish.store(rows.at(r), cols.first, sum[r], cols.count());
      } else {
        EQ_UNROLL
        for (int c = 0; c < Side; ++c) {
          if (cols.has(c)) finish.store(rows.at(r), cols.at(c), sum[r] + c, 1);
        }
      }
    }
  }

 private:
  /// Which rows (or columns) a tile covers: neighbours where neighbours lie side by side in memory and so make one
  /// load, else lines an equal part of the matrix apart, so that neighbouring threads read neighbouring lines.
  struct Lines {
    int first, gap, end;
    EQ_FN Lines(int tile, int lines, int stride)
        : first(stride == 1 ? tile * Side : tile), gap(stride == 1 ? 1 : tiles(lines)), end(lines) {}
    EQ_FN int at(int i) const { return first + i * gap; }
    EQ_FN bool has(int i) const { return at(i) < end; }
    EQ_FN int count() const { return end - first < Side ? end - first : Side; }  // of neighbours
  };

  /// Wide loads by four values of k or by all lines of the tile, or a load for each value.
  enum class Read { along_k, along_lines, apart };

  /// The tile's lines of an operand, read in blocks of four values of k. A line past the edge repeats the first: its
  /// sums are formed and thrown away.
  struct Operand {
    const float* from;
    int line[Side];  // where each line begins, in floats; 32 bits reach over a replica's memory
    int step;        // floats from one k to the next
    bool wide;       // wide loads

    EQ_FN Operand(const float* first, int place, int line_stride, int k_stride, bool along_lines, const Lines& lines)
        : from(first), step(k_stride) {
      EQ_UNROLL
      for (int i = 0; i < Side; ++i) {
        line[i] = (lines.has(i) ? lines.at(i) : lines.first) * line_stride;
      }
      wide = along_lines ? lines.has(Side - 1) && at_once(Side, place, line_stride, k_stride)
                         : at_once(kDeep, place, k_stride, line_stride);
    }
    /// Places that a block of k is read from.
    template <Read How>
    static constexpr int kPlaces = How == Read::along_lines ? kDeep : Side;
    /// Where the loads of a block of k begin, each `stride` further for the next: pointers that walk take an addition
    /// where an index takes a product.
    template <Read How>
    EQ_FN void places(const float* (&at)[kPlaces<How>]) const {
      EQ_UNROLL
      for (int i = 0; i < kPlaces<How>; ++i)
        at[i] = How == Read::along_lines ? from + line[0] + i * step : from + line[i % Side];
    }
    template <Read How>
    EQ_FN int stride() const {
      return How == Read::along_k ? kDeep : kDeep * step;
    }
    /// to[i][l] = value of line l at k + i, from `at` on.
    template <Read How>
    EQ_FN void read(const float* const (&at)[kPlaces<How>], float (&to)[kDeep][Side]) const {
      if constexpr (How == Read::along_k) {
        EQ_UNROLL
        for (int l = 0; l < Side; ++l) {
          float deep[kDeep];
          load(at[l], deep);
          EQ_UNROLL
          for (int i = 0; i < kDeep; ++i) to[i][l] = deep[i];
        }
      } else if constexpr (How == Read::along_lines) {
        EQ_UNROLL
        for (int i = 0; i < kDeep; ++i) load(at[i], to[i]);
      } else {
        EQ_UNROLL
        for (int i = 0; i < kDeep; ++i) {
          EQ_UNROLL
          for (int l = 0; l < Side; ++l) to[i][l] = at[l][i * step];
        }
      }
    }
    EQ_FN void read_one(int k, float* to) const {
      EQ_UNROLL
      for (int l = 0; l < Side; ++l) to[l] = from[line[l] + k * step];
    }
    template <int Count>
    EQ_FN static void load(const float* neighbours, float (&to)[Count]) {
      __builtin_memcpy(to, __builtin_assume_aligned(neighbours, Count * sizeof(float)), Count * sizeof(float));
    }
  };

  template <Read A>
  EQ_FN static void add_blocks_with(const Operand& a, const Operand& b, bool b_lines, int blocks,
                                    float (&sum)[Side][Side]) {
    if (!b.wide) add_blocks<A, Read::apart>(a, b, blocks, sum);
    else if (b_lines) add_blocks<A, Read::along_lines>(a, b, blocks, sum);
    else add_blocks<A, Read::along_k>(a, b, blocks, sum);
  }

  /// The sums over `blocks` blocks of four values of k.
  template <Read A, Read B>
  EQ_FN static void add_blocks(const Operand& a, const Operand& b, int blocks, float (&sum)[Side][Side]) {
    constexpr int kOfA = Operand::template kPlaces<A>, kOfB = Operand::template kPlaces<B>;
    const float *from_a[kOfA], *from_b[kOfB];
    a.template places<A>(from_a);
    b.template places<B>(from_b);
    const int stride_a = a.template stride<A>(), stride_b = b.template stride<B>();
    for (int block = 0; block < blocks; ++block) {
      float x[kDeep][Side], y[kDeep][Side];
      a.template read<A>(from_a, x);
      b.template read<B>(from_b, y);
      EQ_UNROLL
      for (int i = 0; i < kDeep; ++i) multiply(x[i], y[i], sum);
      EQ_UNROLL
      for (int i = 0; i < kOfA; ++i) from_a[i] += stride_a;
      EQ_UNROLL
      for (int i = 0; i < kOfB; ++i) from_b[i] += stride_b;
    }
  }

  EQ_FN static void multiply(const float* x, const float* y, float (&sum)[Side][Side]) {
    EQ_UNROLL
    for (int r = 0; r < Side; ++r) {
      EQ_UNROLL
      for (int c = 0; c < Side; ++c) {
        sum[r][c] = fmaf(x[r], y[c], sum[r][c]);
      }
    }
  }
};

struct ThreadTiles {
  EQ_FN static constexpr int units(int rows, int cols, bool small = false) {
    return small ? SquareTiles<2>::units(rows, cols) : SquareTiles<4>::units(rows, cols);
  }
  template <class Finish>
  EQ_FN static void unit(const Product& p, const Finish& finish, int unit) {
    if (p.small_tiles) SquareTiles<2>::unit(p, finish, unit);
    else SquareTiles<4>::unit(p, finish, unit);
  }
};

}  // namespace equipoise
