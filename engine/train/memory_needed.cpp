// engine/train/memory_needed.cpp - sizes times the copies of them that stand in memory at once.
#include "engine/train/memory_needed.h"

#include <algorithm>

namespace equipoise {

namespace {

// Counted in the code, and held against the peaks of runs (tests/engine/train/memory_needed_test.cpp).
constexpr int64_t kStatesKept = 2;           // the executor's, the best epoch's parameters
constexpr int64_t kStatesInAStep = 1;        // of one replica: one to load or store
constexpr int64_t kStatesInACheckpoint = 5;  // of one replica: this, what is handed over, and the tensors
constexpr int64_t kStatesEvaluated = 4;      // those kept, and what the executor had before the best were loaded, twice
constexpr int64_t kDataSets = 4;             // as read, as prepared, as the executor has it, and one on its way

int64_t bytes(int64_t floats) { return floats * static_cast<int64_t>(sizeof(float)); }

int64_t scratch_bytes(const Program& program) { return bytes(program.fast_floats + program.work_floats); }

int64_t state_bytes(const Program& program, std::size_t replicas) {
  return bytes(program.state_floats) * static_cast<int64_t>(replicas);
}

}  // namespace

int64_t running_bytes(const Program& program, std::size_t replicas) {
  return scratch_bytes(program) + 2 * state_bytes(program, replicas);
}

int64_t training_bytes(const Program& program, std::size_t replicas) {
  const int64_t one = state_bytes(program, 1), all = state_bytes(program, replicas), kept = kStatesKept * all;
  return std::max({scratch_bytes(program) + kept + kStatesInAStep * one, kept + kStatesInACheckpoint * one,
                   scratch_bytes(program) + (replicas > 1 ? kStatesEvaluated * all : 0)});
}

int64_t data_bytes(const Dataset& data) {
  int64_t columns = data.target_cols;
  for (const int features : data.features) columns += features;
  return kDataSets * bytes(columns * data.rows);
}

}  // namespace equipoise
