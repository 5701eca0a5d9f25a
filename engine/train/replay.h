// engine/train/replay.h - runs the steps of a record and gives back every outcome under the record's names.
//
// A record is a safetensors file: init.<parameter>, batch.*, noise.* with a leading step axis, and outcomes: out.*,
// grad.<task>.<parameter> and gram.* of step 0, trace.* per step, final.*. Sizes are read off the tensors, the model
// and its settings off the metadata.
#pragma once

#include <string>
#include <vector>

#include "engine/files/safetensors.h"
#include "engine/run/executor.h"

namespace equipoise {

/// Worst deviation of one tensor: absolute for an all-zero reference, else relative to the reference's largest entry.
struct Deviation {
  std::string name;
  double worst = 0;
  int64_t at = 0;  ///< element of the worst deviation
  double expected = 0, got = 0;
};

/// Runs the record's steps; returns the outcome tensors that the record has. Throws Error(checkpoint) naming what is
/// missing, of the wrong shape or not understood.
TensorFile replay_record(const TensorFile& record, Executor& executor);

/// Compares every outcome tensor of the record with the replayed one, in the order of their names.
std::vector<Deviation> compare_record(const TensorFile& record, const TensorFile& replayed);

}  // namespace equipoise
