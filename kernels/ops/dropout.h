// kernels/ops/dropout.h - inverted dropout: masks that are a pure function of (seed, replica, step, sample, element),
// and the product with them, which is its own backward pass. Source: Srivastava, Hinton, Krizhevsky, Sutskever and
// Salakhutdinov 2014, scaled while training as PyTorch does.
//   mask = 0 with probability rate, else 1 / (1 - rate);  y = x mask;  dx = dy mask
// Floor: one Philox block for four elements; the product reads two floats and writes one.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/philox.h"
#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// to[r, c] = 0 or 1 / (1 - rate), rate = settings.dropout. Sample number: block * batch + row of the block; four
/// columns share a Philox block.
struct DrawMask {
  View to;         // [rows, cols], overwritten
  int32_t stream;  // draws of different streams are independent
  EQ_FIELDS(to, stream)

  EQ_FN int groups() const { return divide_up(to.cols, 4); }
  template <class Team>
  EQ_FN int units(const Context& c) const {
    return divide_up(c.rows(to) * groups(), Team::kLanes);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int first = u * Team::kLanes, all = c.rows(to) * groups();
    for (int i = first; i < first + Team::kLanes && i < all; ++i) group(c, i / groups(), i % groups());
  }

  EQ_FN void group(const Context& c, int row, int g) const {
    const DrawKey key{c.settings->seed, c.settings->replica, static_cast<uint32_t>(c.control->step),
                      purpose_of(Purpose::dropout, stream)};
    const int sample = (row / c.n) * c.batch + row % c.n;
    const PhiloxBlock words = draw(key, static_cast<uint32_t>(sample * groups() + g));
    const float rate = static_cast<float>(c.settings->dropout), kept = 1.0f / (1.0f - rate);
    float* out = c.row(to, row) + g * 4;
    EQ_UNROLL
    for (int j = 0; j < 4; ++j)
      if (g * 4 + j < to.cols) out[j] = uniform01(words.v[j]) < rate ? 0.0f : kept;
  }
};

/// to[r, c] (=, +=) a[r, c] b[r, c]
struct Multiply {
  View a, b;  // [rows, cols]
  View to;    // [rows, cols], overwritten or accumulated
  bool accumulate;
  EQ_FIELDS(a, b, to, accumulate)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return element_units<Team>(c.rows(to), to.cols);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const auto [r, lane] = element_place<Team>(u, to.cols);
    const float* x = c.row(a, r);
    const float* y = c.row(b, r);
    float* out = c.row(to, r);
    const auto put = [&](int j, float value) { out[j] = value; };
    if (accumulate)
      map_columns<Team::kLanes>(
          to.cols, lane, [&](int j) { return fmaf(x[j], y[j], out[j]); }, put);
    else
      map_columns<Team::kLanes>(
          to.cols, lane, [&](int j) { return x[j] * y[j]; }, put);
  }
};

}  // namespace equipoise
