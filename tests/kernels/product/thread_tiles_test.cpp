// tests/kernels/product/thread_tiles_test.cpp - a GPU's cutting of a matrix product gives every element the bits of a
// plain loop.
#include "kernels/product/thread_tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "kernels/product/lane_tiles.h"

namespace equipoise {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kGuard = 12345.0f;
constexpr TileShape kTileShapes[] = {TileShape::square, TileShape::small, TileShape::tall};

/// Floats that hold NaN, with guard words around them.
class Buffer {
 public:
  explicit Buffer(size_t count) : memory_(count + 2 * kGuards, kGuard) { std::fill_n(data(), count, kNan); }
  float* data() { return memory_.data() + kGuards; }
  bool guards_stand() const {
    for (size_t i = 0; i < kGuards; ++i)
      if (memory_[i] != kGuard || memory_[memory_.size() - 1 - i] != kGuard) return false;
    return true;
  }

 private:
  static constexpr size_t kGuards = 16;
  std::vector<float> memory_;
};

/// How an operand lies: `lines` lines of `depth` values.
enum class Lie { along_k, along_lines, apart };

struct Operand {
  std::vector<float> memory;  // ends with the last value: an address sanitizer sees any read past it
  const float* values;
  int line, k;  // strides
};

int padded(int count) { return (count + 3) / 4 * 4; }

/// Values everywhere that the product may read, NaN in what pads a row; begins `offset` floats behind a 16-byte
/// boundary.
Operand make_operand(Lie lie, int lines, int depth, int pad, size_t offset, unsigned& seed) {
  int line = 1, k = 1;
  if (lie == Lie::along_k) line = padded(depth) + pad;
  if (lie == Lie::along_lines) k = padded(lines) + pad;
  if (lie == Lie::apart) line = 2, k = 2 * lines + pad;
  const size_t count =
      static_cast<size_t>(line) * (lines - 1) + static_cast<size_t>(k) * (depth > 0 ? depth - 1 : 0) + 1;
  Operand operand{std::vector<float>(offset + count, kNan), nullptr, line, k};
  operand.values = operand.memory.data() + offset;
  EXPECT_EQ(reinterpret_cast<uintptr_t>(operand.memory.data()) % 16, 0u);
  for (int l = 0; l < lines; ++l)
    for (int i = 0; i < depth; ++i) {
      seed = seed * 1664525u + 1013904223u;
      operand.memory[offset + static_cast<size_t>(l) * line + static_cast<size_t>(i) * k] =
          static_cast<float>(static_cast<int>(seed >> 8) - (1 << 23)) * 0x1p-20f;
    }
  return operand;
}

/// Starts at 1 + row/8 - col/16, keeps each sum, and notes which elements were stored.
struct Keep {
  float* c;
  int stride;
  std::multiset<std::pair<int, int>>* stored;
  float start(int row, int col) const {
    return 1.0f + static_cast<float>(row) * 0.125f - static_cast<float>(col) * 0.0625f;
  }
  bool adds() const { return true; }
  void store(int row, int col, const float* sums, int count) const {
    for (int j = 0; j < count; ++j) {
      c[static_cast<size_t>(row) * stride + col + j] = sums[j];
      stored->insert({row, col + j});
    }
  }
};

template <class Tiles>
void run(const Product& p, Buffer& c, std::multiset<std::pair<int, int>>& stored) {
  const Keep keep{c.data(), p.cols, &stored};
  for (int u = 0; u < Tiles::units(p); ++u) Tiles::unit(p, keep, u);
}

void check(int rows, int cols, int depth, Lie lie_a, Lie lie_b, int pad, size_t offset_a, size_t offset_b) {
  SCOPED_TRACE(testing::Message() << rows << " x " << cols << ", depth " << depth << ", lies "
                                  << static_cast<int>(lie_a) << static_cast<int>(lie_b) << ", pad " << pad
                                  << ", offsets " << offset_a << ' ' << offset_b);
  unsigned seed = static_cast<unsigned>(rows * 10007 + cols * 101 + depth);
  Operand a = make_operand(lie_a, rows, depth, pad, offset_a, seed),
          b = make_operand(lie_b, cols, depth, pad, offset_b, seed);
  Product p{a.values, a.line, a.k, b.values, b.k, b.line, rows, cols, depth};
  p.a_place = static_cast<int>(offset_a), p.b_place = static_cast<int>(offset_b);
  const size_t count = static_cast<size_t>(rows) * cols;
  Buffer by_lanes(count);
  std::multiset<std::pair<int, int>> stored_by_lanes;
  run<LaneTiles>(p, by_lanes, stored_by_lanes);
  std::vector<float> expected(count);
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < cols; ++c) {
      float sum = Keep{}.start(r, c);
      for (int k = 0; k < depth; ++k)
        sum = std::fma(p.a[static_cast<size_t>(r) * p.a_row + static_cast<size_t>(k) * p.a_k],
                       p.b[static_cast<size_t>(k) * p.b_k + static_cast<size_t>(c) * p.b_col], sum);
      const size_t at = static_cast<size_t>(r) * cols + c;
      expected[at] = sum;
      ASSERT_EQ(std::memcmp(&sum, by_lanes.data() + at, 4), 0) << "lanes (" << r << ", " << c << ")";
    }
  for (const TileShape shape : kTileShapes) {
    p.tiles = shape;
    Buffer by_threads(count);
    std::multiset<std::pair<int, int>> stored;
    run<ThreadTiles>(p, by_threads, stored);
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < cols; ++c) {
        const size_t at = static_cast<size_t>(r) * cols + c;
        ASSERT_EQ(std::memcmp(&expected[at], by_threads.data() + at, 4), 0)
            << "shape " << static_cast<int>(shape) << " (" << r << ", " << c << "): expected " << expected[at]
            << ", got " << by_threads.data()[at];
        ASSERT_EQ(stored.count({r, c}), 1u) << "shape " << static_cast<int>(shape) << " (" << r << ", " << c << ")";
      }
    ASSERT_EQ(stored.size(), count);
    ASSERT_TRUE(by_threads.guards_stand());
  }
}

constexpr Lie kLies[] = {Lie::along_k, Lie::along_lines, Lie::apart};

TEST(ThreadTiles, GiveEveryElementTheBitsOfAPlainLoopAndStoreItOnce) {
  for (int rows : {1, 3, 4, 5, 8, 33, 81})
    for (int cols : {1, 3, 4, 5, 8, 33, 81})
      for (int depth : {1, 3, 4, 5, 32, 81})
        for (Lie a : kLies)
          for (Lie b : kLies) check(rows, cols, depth, a, b, 4, 0, 0);
}

TEST(ThreadTiles, KeepTheBitsWhereOperandsAreNotAlignedForWideLoads) {
  for (int size : {1, 3, 4, 5, 81})
    for (Lie a : kLies)
      for (Lie b : kLies)
        for (size_t offset : {1, 2, 3, 4})
          for (int pad : {0, 1, 2, 3}) {
            check(size, 5, size, a, b, pad, offset, 0);
            check(5, size, size, a, b, pad, 0, offset);
          }
}

TEST(ThreadTiles, ReadSeveralAtOnceOnlyWhereEveryLoadIsAligned) {
  // A host forgives a misaligned load; a GPU ends the program.
  EXPECT_TRUE(at_once(4, 0, 1, 84));
  EXPECT_TRUE(at_once(4, 4, 1, 84));
  EXPECT_FALSE(at_once(4, 0, 1, 81));
  EXPECT_FALSE(at_once(4, 0, 1, 82));
  EXPECT_FALSE(at_once(4, 0, 2, 84));
  EXPECT_FALSE(at_once(4, 1, 1, 84));
  EXPECT_FALSE(at_once(4, 2, 1, 84));
  EXPECT_TRUE(at_once(2, 2, 1, 82));
  EXPECT_FALSE(at_once(2, 2, 1, 81));
  EXPECT_FALSE(at_once(2, 1, 1, 84));
  EXPECT_FALSE(at_once(2, 0, 2, 84));
}

/// Of a product of rows by cols, whose operands' lines lie side by side or not: both aligned.
int units(int rows, int cols, TileShape shape, bool side_by_side = false) {
  Product p{nullptr, 1, 84, nullptr, 84, 1, rows, cols, 5, side_by_side, side_by_side, shape};
  if (!side_by_side) p.a_row = p.b_col = 84, p.a_k = p.b_k = 1;
  return ThreadTiles::units(p);
}

TEST(ThreadTiles, AreAsManyAsCoverTheProduct) {
  EXPECT_EQ(units(81, 32, TileShape::square), 21 * 8);
  EXPECT_EQ(units(81, 32, TileShape::small), 41 * 16);
  EXPECT_EQ(units(81, 32, TileShape::tall), 11 * 8);
  EXPECT_EQ(units(3, 5, TileShape::small), 2 * 3);
}

TEST(ThreadTiles, LeaveTheFewLinesThatFillNoGroupToSingleElements) {
  EXPECT_EQ(units(81, 32, TileShape::square, true), 20 * 8 + 32);
  EXPECT_EQ(units(81, 32, TileShape::tall, true), 10 * 8 + 32);
  EXPECT_EQ(units(33, 33, TileShape::square, true), 8 * 8 + 33 + 32);
  EXPECT_EQ(units(81, 32, TileShape::small, true), 40 * 16 + 32);
  EXPECT_EQ(units(5, 7, TileShape::square, true), 2 * 2) << "lines so few are read one by one";
}

TEST(ThreadTiles, StoreTheStartWhereThereIsNothingToSum) { check(5, 6, 0, Lie::along_k, Lie::along_k, 0, 0, 0); }

TEST(ThreadTiles, IgnoreAUnitPastTheLast) {
  unsigned seed = 1;
  Operand a = make_operand(Lie::along_k, 4, 4, 0, 0, seed), b = make_operand(Lie::along_k, 4, 4, 0, 0, seed);
  const Product p{a.values, a.line, 1, b.values, 1, b.line, 4, 4, 4};
  Buffer c(16);
  std::multiset<std::pair<int, int>> stored;
  ThreadTiles::unit(p, Keep{c.data(), 4, &stored}, ThreadTiles::units(p));
  EXPECT_TRUE(stored.empty());
}

}  // namespace
}  // namespace equipoise
