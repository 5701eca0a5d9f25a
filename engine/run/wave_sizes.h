// engine/run/wave_sizes.h - the pieces of device memory that a wave of replicas takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/run/executor.h"

namespace equipoise {

/// Pieces of a wave's memory. Outputs follow one another from the last on.
enum WavePiece : std::size_t {
  kState,
  kWork,
  kSettings,
  kControls,
  kEpochs,
  kStatuses,
  kBest,
  kRules,
  kStandings,
  kRecords,
  kKeys,
  kOutputs
};

inline std::size_t bytes_of(int64_t floats) { return static_cast<std::size_t>(floats) * sizeof(float); }

/// Bytes of each piece for `count` replicas, of programs that share a launch; `epochs` null: that run one after
/// another.
std::vector<std::size_t> wave_sizes(std::span<const ProgramRun> programs, const EpochsRun* epochs, int count);

/// Floats of global scratch of a replica.
int64_t work_floats(std::span<const ProgramRun> programs);

/// Floats that a replica's rows of an output of a program take; 0 where it is of no interest.
int64_t kept_floats(const ProgramRun& run, std::size_t output, const EpochsRun* epochs);

}  // namespace equipoise
