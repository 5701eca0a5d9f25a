// kernels/ops/emit.h - rows of a tensor written out, as evaluation gives them.
// Floor: 8 bytes an element, read and written once.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// outputs[output][replica's output slot, position + r, c] = from[r, c]: rows in the order of the row list.
struct Emit {
  View from;  // [n, cols]
  int32_t output;
  EQ_FIELDS(from, output)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.n);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    float* const all = c.data->outputs[output];
    if (!all) return;
    const int r = unit_row<Team>(u);
    const float* row = c.row(from, r);
    float* out =
        all + (static_cast<int64_t>(c.output_slot) * c.data->output_rows + c.control->position + r) * from.cols;
    map_columns<Team::kLanes>(
        from.cols, unit_lane<Team>(u), [&](int j) { return row[j]; }, [&](int j, float x) { out[j] = x; });
  }
};

}  // namespace equipoise
