// kernels/ops/rows.h - the rows of a batch: which ones, their labels, their values.
// Floor: batch * features * 4 bytes read and written once.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/permutation.h"
#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// rows[r] = number of the data row at place position + r of the epoch's order; labels[r] its label.
struct ChooseRows {
  Place rows;    // [n] int32, overwritten
  Place labels;  // [n] int32, overwritten
  EQ_FIELDS(rows, labels)

  // A unit takes as many neighbouring rows as a unit of a row has lanes: the key of the permutation is made once for
  // them.
  template <class Team>
  EQ_FN int units(const Context& c) const {
    return divide_up(c.n, Team::kLanes);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const Settings& s = *c.settings;
    const Permutation order =
        make_permutation(static_cast<uint32_t>(s.rows), s.seed, s.replica, static_cast<uint32_t>(c.control->epoch));
    const int first = u * Team::kLanes;
    uint32_t at[Team::kLanes];
    for (int l = 0; l < Team::kLanes; ++l)  // past the batch's end its last row is repeated
      at[l] = static_cast<uint32_t>(c.control->position + (first + l < c.n ? first + l : c.n - 1));
    if (c.shuffle) order.walk(at);
    for (int l = 0; l < Team::kLanes && first + l < c.n; ++l) {
      const int32_t row = c.data->row_list[s.first_row + static_cast<int32_t>(at[l])];
      c.ints(rows)[first + l] = row;
      c.ints(labels)[first + l] = c.source_set().labels[row];
    }
  }
};

/// control.label_weight = sum over labelled rows of the weight of their class, rows rising.
struct LabelWeight {
  Place labels;  // [n]
  EQ_FIELDS(labels)

  template <class Team>
  EQ_FN int units(const Context&) const {
    return 1;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int) const {
    const float* weight = c.data->class_weights + c.settings->first_class_weight;
    double sum = 0;
    for (int r = 0; r < c.n; ++r) {
      const int label = c.ints(labels)[r];
      if (label >= 0) sum += double{weight[label]};
    }
    c.control->label_weight = sum;
  }
};

/// to[r, c] = source[rows[r], c]
struct Gather {
  Place rows;  // [n] int32
  int32_t source;
  View to;  // [n, cols], overwritten
  EQ_FIELDS(rows, source, to)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.n);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u);
    const Source& s = c.source_set().sources[source];
    const float* from = s.values + static_cast<int64_t>(c.ints(rows)[r]) * s.cols;
    float* out = c.row(to, r);
    map_columns<Team::kLanes>(
        to.cols, unit_lane<Team>(u), [&](int j) { return from[j]; }, [&](int j, float x) { out[j] = x; });
  }
};

}  // namespace equipoise
