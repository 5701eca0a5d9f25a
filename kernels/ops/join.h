// kernels/ops/join.h - slots joined sixteen at a time, a level of the tree an operation, in float64.
// Floor: 8 bytes and one addition a slot.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// One level of the joining tree: to[g, i] = join of from[g, 16 i ..], g in [0, groups). The number of slots at level 0
/// is `count`, times n where it counts slots per sample (a short batch has fewer); absent slots add +0.
struct Join {
  Place from;  // [groups, slots(level)] float64
  Place to;    // [groups, slots(level + 1)], overwritten
  int32_t groups, count, level;
  bool per_sample;
  EQ_FIELDS(from, to, groups, count, level, per_sample)

  EQ_FN int slots(const Context& c, int at_level) const {
    int s = per_sample ? count * c.n : count;
    for (int l = 0; l < at_level; ++l) s = divide_up(s, kJoin);
    return s;
  }
  template <class Team>
  EQ_FN int units(const Context& c) const {
    return groups * slots(c, level + 1);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int here = slots(c, level), across = divide_up(here, kJoin), i = u % across;
    const int left = here - i * kJoin;
    c.doubles(to)[u] =
        join(c.doubles(from) + static_cast<int64_t>(u / across) * here + i * kJoin, left < kJoin ? left : kJoin);
  }
};

}  // namespace equipoise
