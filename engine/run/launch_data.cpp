// engine/run/launch_data.cpp - launches of programs.
#include "engine/run/launch_data.h"

#include <algorithm>

#include "engine/lower/program_code.h"

namespace equipoise {

Launch launch_of(const Program& program, const RunLimits& limits) {
  Launch launch{};
  launch.operations = program.code->operations.data();
  launch.phases = program.code->phases.data();
  launch.residents = program.code->residents.data();
  launch.phase_count = static_cast<int32_t>(program.code->phases.size());
  launch.resident_count = static_cast<int32_t>(program.code->residents.size());
  std::copy(program.chains.begin(), program.chains.end(), launch.chains);
  launch.batch = program.batch;
  launch.shuffle = program.shuffle;
  launch.state_floats = program.state_floats;
  launch.work_floats = program.work_floats;
  launch.steps = limits.steps;
  launch.stop_at_epoch_end = limits.stop_at_epoch_end;
  return launch;
}

}  // namespace equipoise
