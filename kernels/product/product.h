// kernels/product/product.h - a matrix product as the tiles see it: two strided operands and what to do with each
// result.
//
//   C[row, col] = finish(start(row, col) + sum over k of A(row, k) * B(k, col)),  k rising, one fma each.
// Every element is summed by one thread in this order, so the shape of a tile changes no bit.
#pragma once

#include "kernels/base/fn.h"

namespace equipoise {

struct Product {
  const float* a;  // A(row, k) = a[row * a_row + k * a_k]
  int a_row, a_k;
  const float* b;  // B(k, col) = b[k * b_k + col * b_col]
  int b_k, b_col;
  int rows, cols, depth;
  // Whether an operand's rows or columns lie side by side, not its values of k. An operation that knows says so: its
  // strides are known when it runs, but this when it is compiled.
  bool a_lines = a_row == 1 && a_k != 1, b_lines = b_col == 1 && b_k != 1;
  bool small_tiles = false;  // on a GPU: more threads take less each
  int a_place = 0, b_place = 0;  // of the operands' first values, in floats from somewhere that 16 divides
};

// A Finish has
//   float start(int row, int col) const
//   void store(int row, int col, float* sums, int count) const   sums of columns col .. col + count - 1

}  // namespace equipoise
