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
#include "kernels/state/epochs.h"

namespace equipoise {

/// Values and labels by row number.
struct TableSet {
  struct Values {
    std::vector<float> values;  ///< [rows, cols]
    int cols = 0;
  };
  std::vector<Values> sources;
  std::vector<int32_t> labels;  ///< [rows], -1 unlabelled
};

/// What replicas share, read-only during a run: one set of tables, which is all that most runs have, or several, of
/// which a replica's Settings::source_set takes one.
struct RunTables : TableSet {          // set 0
  std::vector<TableSet> further_sets;  ///< sets 1, 2, ...
  std::vector<int32_t> row_list;       ///< row numbers of every split, one after another
  std::vector<float> class_weights;    ///< [.. classes]
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
  uint32_t outputs = ~uint32_t{0};  ///< bit o: output o is of interest; of the others there are no values
};

/// One program's share of a run: on which replicas, how far, and where its rows go.
struct ProgramRun {
  const Program& program;
  std::span<const Settings> settings;  ///< [replicas]
  std::span<Control> controls;         ///< [replicas], updated
  RunLimits limits;
  Emitted* emitted = nullptr;  ///< receives the rows of a program that emits
};

/// A run by epochs: wherever a replica's epoch ends, it is evaluated and judged, its best parameters are kept, a record
/// is written, and it goes on (kernels/state/epochs.h), until it has done its steps, its rules say that it is finished
/// or it has written `slots` records.
struct EpochsRun {
  ProgramRun train;     ///< `limits` say how many steps; epochs end none of it
  ProgramRun evaluate;  ///< lowered beside it, of the rows that its settings give each replica, if any; `controls` are
                        ///< scratch and `limits` those of the replica with most rows
  std::span<const EpochRules> rules;       ///< [replicas]
  std::span<EpochStanding> standings;      ///< [replicas], updated; `records` counts from 0
  int slots = 1;                           ///< records of a replica at most
  bool keeps_outputs = false;              ///< emitted are [replicas, slots, rows, ..]; else scratch, not fetched
  std::vector<double>* records = nullptr;  ///< receives [replicas, slots, record_doubles(record_shape)]
};

/// Of the records of such a run.
RecordShape record_shape(const Program& train, const Program& evaluate);

/// Which kernel a GPU runs programs with; bits are the same. `automatic` begins with the interpreter and takes the one
/// that was made for its program once that is compiled, which happens beside and where it is worth it.
enum class KernelMode { automatic, interpreter, generated };

/// What a GPU's kernels have done, and why none was made where one was wanted.
struct KernelUse {
  int64_t interpreted_steps = 0, generated_steps = 0;  ///< of all replicas together
  std::string problem;                                 ///< a sentence, or empty
};

class Executor {
 public:
  virtual ~Executor() = default;
  /// Such as "CPU, 2 threads" or "NVIDIA H200".
  virtual std::string name() const = 0;
  /// What lower() should plan for here.
  virtual PlanLimits plan_limits() const = 0;
  /// Threads that the host may use for its own work between runs.
  virtual int host_threads() const { return 1; }
  /// Devices that the replicas of a run are shared among: each may have as many as one device would.
  virtual int devices() const { return 1; }
  /// Of GPUs, since the executor was made; a CPU has no kernels.
  virtual KernelUse kernel_use() const { return {}; }
  virtual void load_tables(const RunTables& tables) = 0;
  /// State of all replicas: [replicas, state_floats].
  virtual void load_state(std::span<const float> state, int64_t state_floats) = 0;
  virtual void store_state(std::span<float> state) = 0;
  /// States of some of the loaded replicas, from number `first` on: those that the span holds, and no others are moved.
  virtual void load_states(std::size_t first, std::span<const float> states) = 0;
  virtual void store_states(std::size_t first, std::span<float> states) = 0;
  /// Parameters of the best epochs so far: [replicas, floats], those that come first in a state.
  virtual void load_best(std::span<const float> best, int64_t floats) = 0;
  virtual void load_bests(std::size_t first, std::span<const float> bests) = 0;
  virtual void store_bests(std::size_t first, std::span<float> bests) const = 0;
  /// Runs epochs of every replica over the state and the best parameters that are loaded.
  virtual void run_epochs(const EpochsRun& run) = 0;
  /// Runs the programs in turn on every replica, each up to its limits.steps steps, over the one state that is loaded:
  /// all are of its size. Programs that were lowered beside each other (PlanLimits::beside) share launches where that
  /// helps; the outcome is that of one run after another. `work` receives the global scratch of replica 0 as the last
  /// program leaves it (probe programs).
  virtual void run(std::span<const ProgramRun> programs, std::vector<float>* work = nullptr) = 0;
  /// The same of one program.
  void run(const Program& program, std::span<const Settings> settings, std::span<Control> controls,
           const RunLimits& limits, Emitted* emitted = nullptr, std::vector<float>* work = nullptr) {
    const ProgramRun one{program, settings, controls, limits, emitted};
    run({&one, 1}, work);
  }
};

/// Replicas over `threads` CPU threads (0: as many as the machine has).
std::unique_ptr<Executor> make_cpu_executor(int threads);
/// CUDA device number `device`; throws Error(device) if it cannot be used.
std::unique_ptr<Executor> make_cuda_executor(int device);

}  // namespace equipoise
