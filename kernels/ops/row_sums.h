// kernels/ops/row_sums.h - columns summed over the rows of a batch.
//   to[block, c] = sum over r of from[block * n + r, c], rows rising
// Floor: reads every float once.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct RowSums {
  View from;       // [blocks * n, cols]
  Place to;        // [blocks, stride], overwritten; what pads a row is set to zero
  int32_t stride;  // floats, at least cols
  EQ_FIELDS(from, to, stride)

  template <class Team>
  EQ_FN int units(const Context&) const {
    return from.blocks * stride;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int block = u / stride, col = u % stride;
    float sum = 0.0f;
    if (col < from.cols)
      for (int r = 0; r < c.n; ++r) sum += c.row(from, block * c.n + r)[col];
    c.floats(to)[u] = sum;
  }
};

}  // namespace equipoise
