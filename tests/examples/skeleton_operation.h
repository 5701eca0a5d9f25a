// tests/examples/skeleton_operation.h - the Euclidean norm of every row of a view.
//   to[r] = sqrt(sum over c of from[r, c]^2), summed in float64
// An example to copy, not part of the program. The copy is kernels/ops/<stem>.h, tested beside its stem; its lines go
// to EQ_OPERATIONS (kernels/program/operation.h), to the engine/lower/lower_*.cpp that emits it, and what it reads and
// writes once more to tests/engine/lower/operation_access.h; its benchmark is bench/ops/<stem>_bench.cpp.
#pragma once

#include <cmath>

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

// Two operations, since no barrier lies inside one: where a unit is a lane, the lanes of a row meet in the next phase.
// Floor: reads every float once, writes and reads 16 doubles a row.

namespace equipoise {

/// Slots of the sum of squares of each row.
struct RowSquares {
  View from;    // [rows, cols]
  Place slots;  // [rows, 16], overwritten
  EQ_FIELDS(from, slots)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.rows(from));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u);
    const float* x = c.row(from, r);
    sum_row<Team::kLanes>(from.cols, unit_lane<Team>(u), c.doubles(slots) + r * kRowLanes, [&](int j) {
      const double v = x[j];
      return v * v;  // of 24 bits each: exact
    });
  }
};

/// to[r] = root of the sum of row r's slots, joined as one tree.
struct RowNorm {
  Place slots;     // [blocks * n, 16]
  Place to;        // [blocks * n], overwritten
  int32_t blocks;  // of the view whose rows they are
  EQ_FIELDS(slots, to, blocks)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return blocks * c.n;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int r) const {
    c.floats(to)[r] = static_cast<float>(sqrt(join(c.doubles(slots) + r * kRowLanes, kRowLanes)));
  }
};

}  // namespace equipoise
