// engine/run/executor.h - runs programs on replicas: on CPU threads (a replica per thread) or a CUDA device (a replica
// per block). The same program, settings and state give the same bits on either.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/lower/lower.h"
#include "engine/run/fresh_control.h"
#include "kernels/state/control.h"

namespace equipoise {

/// Values shared by all replicas, read-only during a run.
struct RunTables {
  struct Values {
    std::vector<float> values;  ///< [rows, cols]
    int cols = 0;
  };
  std::vector<Values> sources;
  std::vector<int32_t> labels;       ///< [rows], -1 unlabelled
  std::vector<int32_t> row_list;     ///< row numbers of every split, one after another
  std::vector<float> class_weights;  ///< [.. classes]
};

/// How far a run goes.
struct RunLimits {
  int steps = 1;
  bool stop_at_epoch_end = false;  ///< a replica whose epoch ends rests until the next run
};

/// Rows that a program emits: values[output] is [replicas, rows, output_cols[output]].
struct Emitted {
  int rows = 0;
  std::vector<std::vector<float>> values;
};

class Executor {
 public:
  virtual ~Executor() = default;
  /// Such as "CPU, 2 threads" or "NVIDIA H200".
  virtual std::string name() const = 0;
  /// What lower() should plan for here.
  virtual PlanLimits plan_limits() const = 0;
  virtual void load_tables(const RunTables& tables) = 0;
  /// State of all replicas: [replicas, state_floats].
  virtual void load_state(std::span<const float> state, int64_t state_floats) = 0;
  virtual void store_state(std::span<float> state) = 0;
  /// Runs up to limits.steps steps of every replica. `settings` and `controls` are [replicas]; controls are updated.
  /// `emitted` receives rows of a program that emits; `work` the global scratch of replica 0 (probe programs).
  virtual void run(const Program& program, std::span<const Settings> settings, std::span<Control> controls,
                   const RunLimits& limits, Emitted* emitted = nullptr, std::vector<float>* work = nullptr) = 0;
};

/// Replicas over `threads` CPU threads (0: as many as the machine has).
std::unique_ptr<Executor> make_cpu_executor(int threads);
/// CUDA device number `device`; throws Error(device) if it cannot be used.
std::unique_ptr<Executor> make_cuda_executor(int device);

}  // namespace equipoise
