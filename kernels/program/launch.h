// kernels/program/launch.h - a program and what it runs on, as the interpreter is given them: plain data.
#pragma once

#include <cstdint>

#include "kernels/balance/chain.h"
#include "kernels/base/fields.h"
#include "kernels/state/epochs.h"
#include "kernels/state/memory.h"
#include "kernels/state/replica_status.h"

namespace equipoise {

struct Operation;  // kernels/program/operation.h

/// Operations that are independent of each other; a barrier stands behind them.
struct Phase {
  int32_t first, end;  // operations
  EQ_FIELDS(first, end)
};

/// State copied to fast memory for the length of a launch and back at its end.
struct Resident {
  Place state, fast;
  int32_t count;
  EQ_FIELDS(state, fast, count)
};

inline constexpr int kMaxPrograms = 4;  ///< of one launch

/// A program as a launch runs it: up to `steps` steps of every replica.
struct LaunchProgram {
  const Operation* operations;
  const Phase* phases;
  const Settings* settings;     // [replicas]
  Control* controls;            // [replicas]
  const int32_t* first_epochs;  // [replicas] epoch at the start of a run cut into launches; null: the launch is the run
  ReplicaStatus* statuses;      // [replicas] overwritten at the end of the launch; null: nobody asks
  RunData data;
  int32_t phase_count;
  int32_t batch;
  int32_t steps;
  bool shuffle;
  bool stop_at_epoch_end;  // a replica whose epoch ends does no further step of this program
};

/// Epochs inside a launch: of its programs the first trains, up to its `steps` steps, and wherever a replica's epoch
/// ends the second evaluates all rows of its own settings, if there are any.
struct LaunchEpochs {
  const EpochRules* rules;   // [replicas]; null: the programs run one after another instead, once each
  EpochStanding* standings;  // [replicas]
  float* best;               // [replicas, best_floats] parameters of the best epoch
  double* records;           // [replicas, slots, record_doubles(shape)]; a replica whose slots are full rests
  uint64_t* keys;            // [replicas, key_count] scratch of an AUC, or as doubles of an error
  int64_t best_floats;       // that many come first in a state
  int32_t key_count;
  int32_t slots;
  RecordShape shape;
  bool keeps_outputs;  // outputs are [replicas, slots, output_rows, cols]; else those of the last epoch alone
};

/// One launch: for each of `replicas` replicas its programs run in turn, over one state, or by epochs. Residents are
/// copied in before the first and out behind the last, so all programs find them at the same places.
struct Launch {
  LaunchProgram programs[kMaxPrograms];
  const Resident* residents;
  Chain chains[kMaxBalancers];
  LaunchEpochs epochs;
  float* state;  // [replicas, state_floats]
  float* work;   // [replicas, work_floats]
  int64_t state_floats, work_floats;
  int32_t program_count, resident_count;
  int32_t replicas;
};

}  // namespace equipoise
