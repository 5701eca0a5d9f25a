// kernels/ops/softmax.h - softmax by row, and its gradient.
// Floor: one exponential an element and one more where a row is summed first.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/strict_math.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// Largest of a row and the sum of exp(x - largest), columns rising.
struct RowExponentials {
  float largest, sum;
};
EQ_FN RowExponentials row_exponentials(const float* x, int cols) {
  RowExponentials e{x[0], 0.0f};
  for (int j = 1; j < cols; ++j) e.largest = x[j] > e.largest ? x[j] : e.largest;
  for (int j = 0; j < cols; ++j) e.sum += strict_exp(x[j] - e.largest);
  return e;
}

/// y = softmax(x), row by row.
struct Softmax {
  View x;  // [rows, classes]
  View y;  // [rows, classes], overwritten
  EQ_FIELDS(x, y)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return c.rows(x);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int r) const {
    const float* in = c.row(x, r);
    float* out = c.row(y, r);
    const RowExponentials e = row_exponentials(in, x.cols);
    for (int j = 0; j < x.cols; ++j) out[j] = strict_exp(in[j] - e.largest) / e.sum;
  }
};

/// dx_j = y_j (dy_j - sum_k dy_k y_k)
struct SoftmaxGradient {
  View y, dy;
  View dx;  // overwritten
  EQ_FIELDS(y, dy, dx)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return c.rows(y);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int r) const {
    const float* out = c.row(y, r);
    const float* d = c.row(dy, r);
    float* to = c.row(dx, r);
    float inner = 0.0f;
    for (int j = 0; j < y.cols; ++j) inner = fmaf(d[j], out[j], inner);
    for (int j = 0; j < y.cols; ++j) to[j] = out[j] * (d[j] - inner);
  }
};

}  // namespace equipoise
