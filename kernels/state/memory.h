// kernels/state/memory.h - where tensors live and how an operation reaches them.
//
// Glossary: n rows of this batch (n <= batch, the capacity); a tensor has `blocks` blocks of n rows one after another,
// so that two views, or the self and crossed inputs of a decoder, are one tall matrix.
#pragma once

#include <cstdint>

#include "kernels/base/fields.h"
#include "kernels/base/fn.h"
#include "kernels/state/control.h"
#include "kernels/state/settings.h"

namespace equipoise {

struct Chain;  // kernels/balance/chain.h

/// Memory that a planned offset counts from.
enum class Space : uint8_t {
  fast,   ///< shared memory of a thread block, or this replica's scratch on a CPU
  work,   ///< global scratch of a running replica
  state,  ///< parameters and moments of a replica, kept between launches
};
inline constexpr int kSpaces = 3;

/// A place in floats from the start of a space; doubles lie at even places.
struct Place {
  int32_t offset;
  Space space;
  EQ_FIELDS(offset, space)
};

/// A rectangle of floats: blocks * n rows from block `block` on, `cols` columns, rows `stride` apart.
struct View {
  Place place;  // of row 0 of block 0, first column
  int32_t stride;
  int32_t cols;
  int32_t block, blocks;
  EQ_FIELDS(place, stride, cols, block, blocks)
};

/// One table of values: values[rows, cols].
struct Source {
  const float* values;
  int32_t cols;
};
inline constexpr int kMaxSources = 12;
inline constexpr int kMaxOutputs = 13;

/// The tables that a replica's row numbers count in.
struct SourceSet {
  Source sources[kMaxSources];
  const int32_t* labels;  // [rows], -1 unlabelled
};

/// Data of a run, shared by all replicas and read-only, and where emitted rows go.
struct RunData {
  const SourceSet* sets;        // settings.source_set picks one
  const int32_t* row_list;      // rows of every split, one split after another
  const float* class_weights;   // [.. classes] of a label, or of one task's targets after another's, per split
  float* outputs[kMaxOutputs];  // [replicas, output_rows, cols]; null: of no interest
  int32_t output_rows;
};

/// What every operation sees during a step.
struct Context {
  float* base[kSpaces];
  Control* control;
  const Settings* settings;
  const RunData* data;
  const Chain* chains;  // [balancers] methods that balance the tasks
  int32_t slot;         // number of this replica in the launch
  int32_t output_slot;  // and of its rows in outputs
  int32_t batch;        // capacity
  int32_t n;            // rows of this batch
  bool shuffle;         // rows in permuted order

  /// Selects, not base[space]: an array indexed at run time would live in a GPU's slow local memory.
  EQ_FN float* base_of(Space s) const { return s == Space::fast ? base[0] : (s == Space::work ? base[1] : base[2]); }
  EQ_FN float* floats(Place p) const { return base_of(p.space) + p.offset; }
  EQ_FN double* doubles(Place p) const { return reinterpret_cast<double*>(floats(p)); }
  EQ_FN int32_t* ints(Place p) const { return reinterpret_cast<int32_t*>(floats(p)); }
  EQ_FN const SourceSet& source_set() const { return data->sets[settings->source_set]; }
  EQ_FN int rows(const View& v) const { return v.blocks * n; }
  /// Where a view begins, in floats from the start of its space, which 16 divides.
  EQ_FN int first(const View& v) const { return v.place.offset + v.block * n * v.stride; }
  EQ_FN float* row(const View& v, int r) const {
    return floats(v.place) + static_cast<int64_t>(v.block * n + r) * v.stride;
  }
};

}  // namespace equipoise
