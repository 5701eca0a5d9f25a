// kernels/ops/linear.h - y = act(x W^T + b), and its gradients by x, W and b.
// Floor: rows * in * out multiply-adds each for forward, input gradient and weight gradient.
// Parameters lie as W [out, in] with rows `stride` apart (a multiple of 4, zeros between), then b [out].
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/ops/activation.h"
#include "kernels/product/product.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// Where the parameters (or their gradient) of a linear layer lie.
struct LinearPlace {
  Place weight;    // [out, in]
  Place bias;      // [out]
  int32_t stride;  // floats from one row of W to the next
  EQ_FIELDS(weight, bias, stride)
};

/// y[r, o] = act(b[o] + sum_i x[r, i] W[o, i])
struct Linear {
  View x;  // [rows, in]
  LinearPlace parameters;
  View y;  // [rows, out], overwritten
  Activation activation;
  TileShape tiles = TileShape::square;  // as in Product; likewise below
  EQ_FIELDS(x, parameters, y, activation, tiles)

  struct Finish {
    const float* bias;
    float* y;
    int stride;
    Activation activation;
    EQ_FN float start(int, int col) const { return bias[col]; }
    EQ_FN bool adds() const { return false; }
    EQ_FN void store(int row, int col, const float* sums, int count) const {
      activate(activation, sums, y + static_cast<int64_t>(row) * stride + col, count);
    }
  };

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return Team::Tiles::units(product(c));
  }
  /// But for where the operands are.
  EQ_FN Product product(const Context& c) const {
    return {.a_row = x.stride,
            .a_k = 1,
            .b_k = 1,
            .b_col = parameters.stride,
            .rows = c.rows(x),
            .cols = y.cols,
            .depth = x.cols,
            .a_lines = false,
            .b_lines = false,
            .tiles = tiles,
            .a_place = c.first(x),
            .b_place = parameters.weight.offset};
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    Product p = product(c);
    p.a = c.row(x, 0), p.b = c.floats(parameters.weight);
    Team::Tiles::unit(p, Finish{c.floats(parameters.bias), c.row(y, 0), y.stride, activation}, u);
  }
};

/// dx[r, i] (=, +=) act'(x[r, i]) * sum_o dy[r, o] W[o, i], where act is the activation that made x.
struct LinearInputGradient {
  View dy;  // [rows, out]
  LinearPlace parameters;
  View x;   // [rows, in], read unless the activation is the identity
  View dx;  // [rows, in], overwritten or accumulated
  Activation activation;
  bool accumulate;  // only with the identity
  TileShape tiles = TileShape::square;
  EQ_FIELDS(dy, parameters, x, dx, activation, accumulate, tiles)

  struct Finish {
    const float* x;
    float* dx;
    int x_stride, dx_stride;
    Activation activation;
    bool accumulate;
    EQ_FN float start(int row, int col) const {
      return accumulate ? dx[static_cast<int64_t>(row) * dx_stride + col] : 0.0f;
    }
    EQ_FN bool adds() const { return accumulate; }
    EQ_FN void store(int row, int col, const float* sums, int count) const {
      activate_gradient(activation, x + static_cast<int64_t>(row) * x_stride + col, sums,
                        dx + static_cast<int64_t>(row) * dx_stride + col, count);
    }
  };

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return Team::Tiles::units(product(c));
  }
  EQ_FN Product product(const Context& c) const {
    return {.a_row = dy.stride,
            .a_k = 1,
            .b_k = parameters.stride,
            .b_col = 1,
            .rows = c.rows(dy),
            .cols = dx.cols,
            .depth = dy.cols,
            .a_lines = false,
            .b_lines = true,
            .tiles = tiles,
            .a_place = c.first(dy),
            .b_place = parameters.weight.offset};
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    Product p = product(c);
    p.a = c.row(dy, 0), p.b = c.floats(parameters.weight);
    Team::Tiles::unit(p, Finish{c.row(x, 0), c.row(dx, 0), x.stride, dx.stride, activation, accumulate}, u);
  }
};

/// dW[o, i] (=, +=) sum_r dy[r, o] x[r, i] and db[o] (=, +=) sum_r dy[r, o]; what pads a row is set to zero.
struct LinearWeightGradient {
  View x;   // [rows, in]
  View dy;  // [rows, out]
  LinearPlace gradient;
  bool accumulate;
  bool has_bias = true;    // false: db is left as it is
  bool has_weight = true;  // false: dW is, and what pads its rows
  TileShape tiles = TileShape::square;
  EQ_FIELDS(x, dy, gradient, accumulate, has_bias, has_weight, tiles)

  struct Finish {
    float* dw;
    int in, stride;
    bool accumulate;
    EQ_FN float start(int row, int col) const {
      return accumulate ? dw[static_cast<int64_t>(row) * stride + col] : 0.0f;
    }
    EQ_FN bool adds() const { return accumulate; }
    EQ_FN void store(int row, int col, const float* sums, int count) const {
      float* to = dw + static_cast<int64_t>(row) * stride;
      for (int j = 0; j < count; ++j) to[col + j] = sums[j];
      if (col + count != in) return;
      EQ_ROLLED
      for (int pad = in; pad < stride; ++pad) to[pad] = 0.0f;
    }
  };

  template <class Team>
  EQ_FN int weight_units(const Context& c) const {
    return has_weight ? Team::Tiles::units(product(c)) : 0;
  }
  EQ_FN Product product(const Context& c) const {
    return {.a_row = 1,
            .a_k = dy.stride,
            .b_k = x.stride,
            .b_col = 1,
            .rows = dy.cols,
            .cols = x.cols,
            .depth = c.rows(x),
            .a_lines = true,
            .b_lines = true,
            .tiles = tiles,
            .a_place = c.first(dy),
            .b_place = c.first(x)};
  }
  template <class Team>
  EQ_FN int units(const Context& c) const {
    return weight_units<Team>(c) + (has_bias ? divide_up(dy.cols, Team::kLanes) : 0);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    if (u < weight_units<Team>(c)) {
      Product p = product(c);
      p.a = c.row(dy, 0), p.b = c.row(x, 0);
      Team::Tiles::unit(p, Finish{c.floats(gradient.weight), x.cols, gradient.stride, accumulate}, u);
    } else {
      bias_unit<Team::kLanes>(c, (u - weight_units<Team>(c)) * Team::kLanes);
    }
  }

  template <int Lanes>
  EQ_FN void bias_unit(const Context& c, int first) const {
    float* db = c.floats(gradient.bias);
    const int count = dy.cols - first < Lanes ? dy.cols - first : Lanes;
    float sum[Lanes];
    for (int l = 0; l < Lanes; ++l) sum[l] = accumulate && l < count ? db[first + l] : 0.0f;
    const float* d = c.row(dy, 0) + first;
    const int rows = c.rows(dy);
    if (Lanes == 1 || count == Lanes) {
      for (int r = 0; r < rows; ++r, d += dy.stride)
        for (int l = 0; l < Lanes; ++l) sum[l] += d[l];
    } else {
      for (int r = 0; r < rows; ++r, d += dy.stride)
        for (int l = 0; l < count; ++l) sum[l] += d[l];
    }
    for (int l = 0; l < count; ++l) db[first + l] = sum[l];
    if (first + count == dy.cols)
      for (int pad = dy.cols; pad % 4 != 0; ++pad) db[pad] = 0.0f;
  }
};

/// dy[r, c] *= act'(y[r, c]), in place: where no product's finish can do it.
struct ActivationGradient {
  View y;   // [rows, cols]
  View dy;  // [rows, cols], overwritten
  Activation activation;
  EQ_FIELDS(y, dy, activation)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return element_units<Team>(c.rows(y), y.cols);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const auto [r, lane] = element_place<Team>(u, y.cols);
    const float* out = c.row(y, r);
    float* d = c.row(dy, r);
    each_column<Team::kLanes>(y.cols, lane,
                              [&](int j, int) { activate_gradient(activation, out + j, d + j, d + j, 1); });
  }
};

}  // namespace equipoise
