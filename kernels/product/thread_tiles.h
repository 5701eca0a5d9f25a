// kernels/product/thread_tiles.h - matrix products on a GPU: a tile of the result per thread, k in the thread.
// Floor: for a value of k, a warp's tiles of R x C take R + C clocks of the one shared memory and R C clocks of one of
// four schedulers: 8 and 4 x 4 of 4 x 4, 12 and 4 x 8 of 8 x 4, 4 and 4 x 1 of 2 x 2, by which more threads share the
// work. engine/lower/plan.cpp chooses. Rows of a tensor lie 4 x odd floats apart, so that neighbouring threads reading
// neighbouring rows meet no bank twice. Runs on any team; the CPU uses it to prove the GPU's cutting.
#pragma once

#include <cmath>

#include "kernels/product/product.h"

namespace equipoise {

/// Whether neighbours by one index, whose stride is `stride`, are aligned for loads of `count` at every multiple of
/// `count` of it and at every value of the other index, whose stride is `other`: of an operand that begins `place`
/// floats from somewhere aligned. (A place, unlike an address, may be known when a kernel is compiled.)
EQ_FN constexpr bool at_once(int count, int place, int stride, int other) {
  return stride == 1 && other % count == 0 && place % count == 0;
}

/// How the rows (or columns) of a product are dealt to tiles, `Side` to each: in groups of neighbours where a group is
/// one load, else one by one. The groups of a tile lie as many groups apart as there are tiles, so that neighbouring
/// threads read neighbouring groups; those that would lie past the last are moved back onto others' and thrown away.
template <int Side>
struct TileLines {
  static constexpr int kGroup = Side < 4 ? Side : 4;
  /// Lines from which on the few that fill no group may be summed one by one.
  static constexpr int kManyLines = 8 * kGroup;
  bool grouped;
  int end;     // lines that tiles cover; the rest are summed one by one
  int groups;  // of them
  int tiles;

  EQ_FN constexpr TileLines(int lines, bool side_by_side, int place, int stride, int other)
      : grouped(side_by_side && at_once(kGroup, place, stride, other) &&
                (lines % kGroup == 0 || lines >= kManyLines)),
        end(grouped ? lines / kGroup * kGroup : lines),
        groups(grouped ? lines / kGroup : lines),
        tiles(grouped ? (groups + Side / kGroup - 1) / (Side / kGroup) : (lines + Side - 1) / Side) {}
  /// Lines from line 0 of a tile to line i of it.
  EQ_FN constexpr int shift(int i) const { return grouped ? by(i / kGroup) * kGroup + i % kGroup : by(i); }
  EQ_FN constexpr int first(int tile) const { return grouped ? tile * kGroup : tile; }
  /// Whether a tile has line i to itself.
  EQ_FN constexpr bool has(int tile, int i) const {
    const int number = grouped ? i / kGroup : i;
    return tile + by(number) >= number * tiles;
  }

 private:
  EQ_FN constexpr int by(int number) const {
    return number * tiles < groups - tiles ? number * tiles : groups - tiles;
  }
};

/// Tiles of `Rows` by `Cols`.
template <int Rows, int Cols>
struct TilesOf {
  static constexpr int kDeep = 4;  ///< values of k read at a time
  using RowLines = TileLines<Rows>;
  using ColLines = TileLines<Cols>;

  EQ_FN static constexpr RowLines row_lines(const Product& p) {
    return RowLines(p.rows, p.a_lines, p.a_place, p.a_row, p.a_k);
  }
  EQ_FN static constexpr ColLines col_lines(const Product& p) {
    return ColLines(p.cols, p.b_lines, p.b_place, p.b_col, p.b_k);
  }
  /// Whether four values of k of every row (or column) are one load.
  EQ_FN static constexpr bool deep_rows(const Product& p) {
    return !p.a_lines && at_once(kDeep, p.a_place, p.a_k, p.a_row);
  }
  EQ_FN static constexpr bool deep_cols(const Product& p) {
    return !p.b_lines && at_once(kDeep, p.b_place, p.b_k, p.b_col);
  }
  /// A unit a tile, and one an element of what tiles do not cover.
  EQ_FN static constexpr int units(const Product& p) {
    const RowLines rows = row_lines(p);
    const ColLines cols = col_lines(p);
    return rows.tiles * cols.tiles + (p.rows - rows.end) * p.cols + rows.end * (p.cols - cols.end);
  }

  template <class Finish>
  EQ_FN static void unit(const Product& p, const Finish& finish, int unit) {
    const RowLines rows = row_lines(p);
    const ColLines cols = col_lines(p);
    const int single = unit - rows.tiles * cols.tiles;
    if (single >= 0) {
      if (rows.grouped || cols.grouped) single_unit(p, finish, rows.end, cols.end, single);
      return;
    }
    const int row_tile = unit / cols.tiles, col_tile = unit % cols.tiles;
    const int row = rows.first(row_tile), col = cols.first(col_tile);
    float sum[Rows][Cols];
    EQ_UNROLL
    for (int r = 0; r < Rows; ++r) {
      EQ_UNROLL
      for (int c = 0; c < Cols; ++c) {
        const bool own = rows.has(row_tile, r) && cols.has(col_tile, c);
        sum[r][c] = own || !finish.adds() ? finish.start(row + rows.shift(r), col + cols.shift(c)) : 0.0f;
      }
    }
    const Operand<Rows> a(p.a, p.a_row, p.a_k, rows, row);
    const Operand<Cols> b(p.b, p.b_col, p.b_k, cols, col);
    // How operands are read is chosen here and not for every k.
    const int blocks = p.depth / kDeep;
    if (rows.grouped) add_blocks_with<Read::groups>(a, b, cols.grouped, deep_cols(p), blocks, sum);
    else if (deep_rows(p)) add_blocks_with<Read::along_k>(a, b, cols.grouped, deep_cols(p), blocks, sum);
    else add_blocks_with<Read::apart>(a, b, cols.grouped, deep_cols(p), blocks, sum);
    EQ_ROLLED
    for (int k = blocks * kDeep; k < p.depth; ++k) {
      float x[Rows], y[Cols];
      a.read_one(k, x);
      b.read_one(k, y);
      multiply(x, y, sum);
    }
    EQ_UNROLL
    for (int r = 0; r < Rows; ++r) {
      if (!rows.has(row_tile, r)) continue;
      if (cols.grouped) {
        EQ_UNROLL
        for (int c = 0; c < Cols; c += ColLines::kGroup)
          if (cols.has(col_tile, c))
            finish.store(row + rows.shift(r), col + cols.shift(c), sum[r] + c, ColLines::kGroup);
      } else {
        EQ_UNROLL
        for (int c = 0; c < Cols; ++c)
          if (cols.has(col_tile, c)) finish.store(row + rows.shift(r), col + cols.shift(c), sum[r] + c, 1);
      }
    }
  }

 private:
  /// Loads of a group, of four values of k, or a load for each value.
  enum class Read { groups, along_k, apart };

  /// A tile's lines of an operand, read in blocks of four values of k.
  template <int Side>
  struct Operand {
    using Lines = TileLines<Side>;
    const float* from;  // line 0 of the tile
    int line[Side];     // where the others begin, in floats; 32 bits reach over a replica's memory
    int step;           // floats from one k to the next

    EQ_FN Operand(const float* operand, int line_stride, int k_stride, const Lines& lines, int first)
        : from(operand + first * line_stride), step(k_stride) {
      EQ_UNROLL
      for (int i = 0; i < Side; ++i) line[i] = lines.shift(i) * line_stride;
    }
    /// Places that a block of k is read from.
    template <Read How>
    static constexpr int kPlaces = How == Read::groups ? kDeep * (Side / Lines::kGroup) : Side;
    /// Where the loads of a block of k begin, each `stride` further for the next: pointers that walk take an addition
    /// where an index takes a product.
    template <Read How>
    EQ_FN void places(const float* (&at)[kPlaces<How>]) const {
      EQ_UNROLL
      for (int i = 0; i < kPlaces<How>; ++i)
        at[i] = How == Read::groups ? from + line[i / kDeep * Lines::kGroup] + i % kDeep * step : from + line[i % Side];
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
          load<kDeep>(at[l], deep);
          EQ_UNROLL
          for (int i = 0; i < kDeep; ++i) to[i][l] = deep[i];
        }
      } else if constexpr (How == Read::groups) {
        EQ_UNROLL
        for (int i = 0; i < kPlaces<How>; ++i) load<Lines::kGroup>(at[i], to[i % kDeep] + i / kDeep * Lines::kGroup);
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
    EQ_FN static void load(const float* neighbours, float* to) {
      __builtin_memcpy(to, __builtin_assume_aligned(neighbours, Count * sizeof(float)), Count * sizeof(float));
    }
  };

  template <Read A>
  EQ_FN static void add_blocks_with(const Operand<Rows>& a, const Operand<Cols>& b, bool groups, bool deep, int blocks,
                                    float (&sum)[Rows][Cols]) {
    if (groups) add_blocks<A, Read::groups>(a, b, blocks, sum);
    else if (deep) add_blocks<A, Read::along_k>(a, b, blocks, sum);
    else add_blocks<A, Read::apart>(a, b, blocks, sum);
  }

  /// The sums over `blocks` blocks of four values of k.
  template <Read A, Read B>
  EQ_FN static void add_blocks(const Operand<Rows>& a, const Operand<Cols>& b, int blocks, float (&sum)[Rows][Cols]) {
    constexpr int kOfA = Operand<Rows>::template kPlaces<A>, kOfB = Operand<Cols>::template kPlaces<B>;
    const float *from_a[kOfA], *from_b[kOfB];
    a.template places<A>(from_a);
    b.template places<B>(from_b);
    const int stride_a = a.template stride<A>(), stride_b = b.template stride<B>();
    for (int block = 0; block < blocks; ++block) {
      float x[kDeep][Rows], y[kDeep][Cols];
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

  EQ_FN static void multiply(const float* x, const float* y, float (&sum)[Rows][Cols]) {
    EQ_UNROLL
    for (int r = 0; r < Rows; ++r) {
      EQ_UNROLL
      for (int c = 0; c < Cols; ++c) sum[r][c] = fmaf(x[r], y[c], sum[r][c]);
    }
  }

  /// An element of the rows from `row_end` on, then of the columns from `col_end` on above them.
  template <class Finish>
  EQ_FN static void single_unit(const Product& p, const Finish& finish, int row_end, int col_end, int number) {
    const int below = (p.rows - row_end) * p.cols, beside = number - below, wide = p.cols - col_end;
    if (beside >= row_end * wide) return;
    const int row = beside < 0 ? row_end + number / p.cols : beside / wide,
              col = beside < 0 ? number % p.cols : col_end + beside % wide;
    const float *a = p.a + row * p.a_row, *b = p.b + col * p.b_col;
    float sum = finish.start(row, col);
    int k = 0;
    EQ_FEW
    for (; k + kDeep <= p.depth; k += kDeep) {
      float x[kDeep], y[kDeep];
      EQ_UNROLL
      for (int i = 0; i < kDeep; ++i) x[i] = a[i * p.a_k], y[i] = b[i * p.b_k];
      EQ_UNROLL
      for (int i = 0; i < kDeep; ++i) sum = fmaf(x[i], y[i], sum);
      a += kDeep * p.a_k;
      b += kDeep * p.b_k;
    }
    EQ_ROLLED
    for (; k < p.depth; ++k, a += p.a_k, b += p.b_k) sum = fmaf(*a, *b, sum);
    finish.store(row, col, &sum, 1);
  }
};

struct ThreadTiles {
  /// Its sums take more registers than all else that the interpreter does.
  template <class Finish>
  EQ_APART static void tall_unit(Product p, Finish finish, int unit) {
    TilesOf<8, 4>::unit(p, finish, unit);
  }
  EQ_FN static constexpr int units(const Product& p) {
    switch (p.tiles) {
      case TileShape::small: return TilesOf<2, 2>::units(p);
      case TileShape::tall: return TilesOf<8, 4>::units(p);
      default: return TilesOf<4, 4>::units(p);
    }
  }
  template <class Finish>
  EQ_FN static void unit(const Product& p, const Finish& finish, int unit) {
    switch (p.tiles) {
      case TileShape::small: return TilesOf<2, 2>::unit(p, finish, unit);
      case TileShape::tall: return tall_unit(p, finish, unit);
      default: return TilesOf<4, 4>::unit(p, finish, unit);
    }
  }
};

}  // namespace equipoise
