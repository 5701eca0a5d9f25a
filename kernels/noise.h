// kernels/noise.h - standard normal draws: a pure function of (seed, replica, step, sample, element).
#pragma once

#include "kernels/memory.h"
#include "kernels/philox.h"
#include "kernels/slots.h"

namespace equipoise {

/// to[r, c] ~ N(0, 1). Sample number: block * batch + row of the block; four columns share a Philox block.
struct DrawNoise {
  View to;  // [rows, cols], overwritten

  EQ_FN int groups() const { return divide_up(to.cols, 4); }
  template <class Team>
  EQ_FN int units(const Context& c) const {
    return c.rows(to) * groups();
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = u / groups(), group = u % groups();
    const int sample = (r / c.n) * c.batch + r % c.n;
    const DrawKey key{c.settings->seed, c.settings->replica, static_cast<uint32_t>(c.control->step),
                      static_cast<uint32_t>(Purpose::noise)};
    float draw_of[4];
    normals(draw(key, static_cast<uint32_t>(sample * groups() + group)), draw_of);
    float* out = c.row(to, r);
    for (int j = 0; j < 4 && group * 4 + j < to.cols; ++j) out[group * 4 + j] = draw_of[j];
  }
};

}  // namespace equipoise
