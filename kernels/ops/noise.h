// kernels/ops/noise.h - standard normal draws: a pure function of (seed, replica, step, sample, element).
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/philox.h"
#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// to[r, c] ~ N(0, 1). Sample number: block * batch + row of the block; four columns share a Philox block.
struct DrawNoise {
  View to;         // [rows, cols], overwritten
  int32_t stream;  // draws of different streams are independent
  EQ_FIELDS(to, stream)

  EQ_FN int groups() const { return divide_up(to.cols, 4); }
  template <class Team>
  EQ_FN int units(const Context& c) const {
    return divide_up(c.rows(to) * groups(), Team::kLanes);
  }
  // A unit draws as many neighbouring blocks as it has lanes, in step, so that they fill vectors.
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    constexpr int kLanes = Team::kLanes;
    const int first = u * kLanes, left = c.rows(to) * groups() - first;
    const DrawKey key{c.settings->seed, c.settings->replica, static_cast<uint32_t>(c.control->step),
                      purpose_of(Purpose::noise, stream)};
    int row[kLanes], group[kLanes];
    uint32_t block[kLanes], word[4][kLanes];
    for (int l = 0, r = first / groups(), g = first % groups(); l < kLanes; ++l) {
      const int sample = (r / c.n) * c.batch + r % c.n;
      row[l] = r;
      group[l] = g;
      block[l] = static_cast<uint32_t>(sample * groups() + g);
      if (++g == groups()) g = 0, ++r;
    }
    for (int l = 0; l < kLanes; ++l) {
      const PhiloxBlock words = draw(key, block[l]);
      for (int i = 0; i < 4; ++i) word[i][l] = words.v[i];
    }
    float normal[4][kLanes];
    const auto make_pairs = [&](int i) {
      for (int l = 0; l < kLanes; ++l) {
        const NormalPair pair = box_muller(word[i][l], word[i + 1][l]);
        normal[i][l] = pair.v[0];
        normal[i + 1][l] = pair.v[1];
      }
    };
    make_pairs(0);
    make_pairs(2);
    for (int l = 0; l < kLanes && l < left; ++l) {
      float* out = c.row(to, row[l]) + group[l] * 4;
      EQ_UNROLL
      for (int j = 0; j < 4; ++j)
        if (group[l] * 4 + j < to.cols) out[j] = normal[j][l];
    }
  }
};

}  // namespace equipoise
