// engine/run/launch_data.h - from programs and the host's arrays to the launch that the interpreter is given. For
// executors.
#pragma once

#include <span>
#include <vector>

#include "engine/run/executor.h"
#include "kernels/program/launch.h"

namespace equipoise {

/// The source sets of tables that live elsewhere, in the host's memory.
std::vector<SourceSet> source_sets(const RunTables& tables);

/// Cuts a run into runs that one launch can do, in order: at most kMaxPrograms programs that agree on what is kept in
/// fast memory and on the methods whose state they carry. Throws std::logic_error unless all are of the same replicas,
/// with controls of their own, and of a state of one size, and every source set that settings name is there.
std::vector<std::span<const ProgramRun>> shared_launches(std::span<const ProgramRun> programs, std::size_t sets);

/// The launch of programs that can share one, from their host-side arrays; pointers to data, state and scratch are
/// filled in by the executor.
Launch launch_of(std::span<const ProgramRun> programs);
Launch launch_of(const Program& program, const RunLimits& limits);

/// The launch of a run by epochs, likewise. Throws std::logic_error unless its programs can share one.
Launch launch_of(const EpochsRun& run, std::size_t sets);

/// Floats of fast memory that the programs need.
int64_t fast_floats(std::span<const ProgramRun> programs);

/// Makes room for the rows that a program emits, all of them zero: of each replica, `times` as many.
void prepare_emitted(const ProgramRun& run, int times = 1);
/// Makes room for what a run by epochs leaves.
void prepare_epochs(const EpochsRun& run);
/// How many times as many rows as it evaluates are kept of each replica.
inline int output_slots(const EpochsRun& run) { return run.keeps_outputs ? run.slots : 1; }

/// Points the launch's programs at tables and emitted rows in the host's memory.
void place_on_host(Launch& launch, std::span<const ProgramRun> programs, const std::vector<SourceSet>& sets,
                   const RunTables& tables);
/// Likewise of a run by epochs, for which room is made. `keys` becomes its scratch.
void place_on_host(Launch& launch, const EpochsRun& run, const std::vector<SourceSet>& sets, const RunTables& tables,
                   float* best, std::vector<uint64_t>& keys);

}  // namespace equipoise
