// kernels/product/product.h - a matrix product as the tiles see it: two strided operands and what to do with each
// result.
//
//   C[row, col] = finish(start(row, col) + sum over k of A(row, k) * B(k, col)),  k rising, one fma each.
// Every element is summed by one thread in this order, so the shape of a tile changes no bit.
#pragma once

#include <cstdint>

#include "kernels/base/fn.h"

namespace equipoise {

/// What a GPU's thread has of the result, rows by columns: 4 x 4, 2 x 2 or 8 x 4.
enum class TileShape : int32_t { square, small, tall };

struct Product {
  const float* a = nullptr;  // A(row, k) = a[row * a_row + k * a_k]
  int a_row = 0, a_k = 0;
  const float* b = nullptr;  // B(k, col) = b[k * b_k + col * b_col]
  int b_k = 0, b_col = 0;
  int rows = 0, cols = 0, depth = 0;
  // Whether an operand's rows or columns lie side by side, not its values of k. An operation that knows says so: its
  // strides are known when it runs, but this when it is compiled.
  bool a_lines = a_row == 1 && a_k != 1, b_lines = b_col == 1 && b_k != 1;
  TileShape tiles = TileShape::square;
  int a_place = 0, b_place = 0;  // of the operands' first values, in floats from somewhere that 16 divides
};

// A Finish has
//   float start(int row, int col) const
//   bool adds() const   whether start reads what store writes: tiles then ask for what they store, and nothing else
//   void store(int row, int col, float* sums, int count) const   sums of columns col .. col + count - 1

}  // namespace equipoise
