// engine/run/wave_sizes.cpp - sizes by programs.
#include "engine/run/wave_sizes.h"

#include <algorithm>

#include "engine/run/launch_data.h"

namespace equipoise {

std::vector<std::size_t> wave_sizes(std::span<const ProgramRun> programs, const EpochsRun* epochs, int count) {
  const std::size_t each = programs.size();
  std::vector<std::size_t> sizes(kOutputs);
  sizes[kState] = bytes_of(programs[0].program.state_floats);
  sizes[kWork] = bytes_of(work_floats(programs));
  sizes[kSettings] = each * sizeof(Settings);
  sizes[kControls] = each * sizeof(Control);
  sizes[kEpochs] = each * sizeof(int32_t);
  sizes[kStatuses] = each * sizeof(ReplicaStatus);
  if (epochs) {
    const LaunchEpochs here = launch_of(*epochs, SIZE_MAX).epochs;
    sizes[kBest] = bytes_of(here.best_floats);
    sizes[kRules] = sizeof(EpochRules);
    sizes[kStandings] = sizeof(EpochStanding);
    sizes[kRecords] = static_cast<std::size_t>(here.slots * record_doubles(here.shape)) * sizeof(double);
    sizes[kKeys] = static_cast<std::size_t>(here.key_count) * sizeof(uint64_t);
  }
  for (const ProgramRun& run : programs)
    if (run.emitted)
      for (std::size_t o = 0; o < run.program.output_cols.size(); ++o)
        sizes.push_back(bytes_of(kept_floats(run, o, epochs)));
  for (std::size_t& size : sizes) size *= static_cast<std::size_t>(count);
  return sizes;
}

int64_t work_floats(std::span<const ProgramRun> programs) {
  int64_t floats = 0;
  for (const ProgramRun& run : programs) floats = std::max(floats, run.program.work_floats);
  return floats;
}

int64_t kept_floats(const ProgramRun& run, std::size_t output, const EpochsRun* epochs) {
  if ((run.emitted->outputs >> output & 1u) == 0) return 0;
  return int64_t{run.emitted->rows} * run.program.output_cols[output] * (epochs ? output_slots(*epochs) : 1);
}

}  // namespace equipoise
