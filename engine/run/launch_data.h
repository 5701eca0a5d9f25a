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

/// Where the states of replicas from number `first` on begin in `all`. Throws std::logic_error unless `floats` are
/// whole states that are there.
float* states_from(std::vector<float>& all, int64_t state_floats, std::size_t first, std::size_t floats);

/// Floats of fast memory that the programs need.
int64_t fast_floats(std::span<const ProgramRun> programs);

/// Makes room for the rows that a program emits, all of them zero.
void prepare_emitted(const ProgramRun& run);

/// Points the launch's programs at tables and emitted rows in the host's memory.
void place_on_host(Launch& launch, std::span<const ProgramRun> programs, const std::vector<SourceSet>& sets,
                   const RunTables& tables);

}  // namespace equipoise
