// kernels/program/launch.h - a program and what it runs on, as the interpreter is given them: plain data.
#pragma once

#include <cstdint>

#include "kernels/balance/chain.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct Operation;  // kernels/program/operation.h

/// Operations that are independent of each other; a barrier stands behind them.
struct Phase {
  int32_t first, end;  // operations
};

/// State copied to fast memory for the length of a launch and back at its end.
struct Resident {
  Place state, fast;
  int32_t count;
};

/// One launch: `replicas` replicas of a program, up to `steps` steps each.
struct Launch {
  const Operation* operations;
  const Phase* phases;
  const Resident* residents;
  int32_t phase_count, resident_count;
  int32_t batch;
  bool shuffle;
  RunData data;
  Chain chains[kMaxBalancers];
  const Settings* settings;  // [replicas]
  Control* controls;         // [replicas]
  float* state;              // [replicas, state_floats]
  float* work;               // [replicas, work_floats]
  int64_t state_floats, work_floats;
  int32_t replicas;
  int32_t steps;
  bool stop_at_epoch_end;       // a replica whose epoch ends does no further step in this launch
  const int32_t* first_epochs;  // [replicas] epoch at the start of a run cut into launches; null: the launch is the run
};

}  // namespace equipoise
