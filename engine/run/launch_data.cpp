// engine/run/launch_data.cpp - launches of programs.
#include "engine/run/launch_data.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "engine/lower/program_code.h"

namespace equipoise {

namespace {

/// Of arrays in canonical bytes.
template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

bool share_a_launch(const Program& a, const Program& b) {
  return same_bytes(a.code->residents, b.code->residents) && same_bytes(a.chains, b.chains);
}

void check(std::span<const ProgramRun> programs, std::size_t sets) {
  for (const ProgramRun& run : programs) {
    if (run.settings.size() != programs[0].settings.size() || run.controls.size() != run.settings.size())
      throw std::logic_error("programs of one run are of the same replicas");
    if (run.program.state_floats != programs[0].program.state_floats)
      throw std::logic_error("programs of one run are of one state");
    for (const ProgramRun& other : programs)
      if (&other != &run && !run.controls.empty() && other.controls.data() == run.controls.data())
        throw std::logic_error("programs of one run have controls of their own");
    for (const Settings& s : run.settings)
      if (s.source_set < 0 || static_cast<std::size_t>(s.source_set) >= sets)
        throw std::logic_error("a replica names a source set that is not there");
  }
}

LaunchProgram program_of(const ProgramRun& run) {
  LaunchProgram p{};
  p.operations = run.program.code->operations.data();
  p.phases = run.program.code->phases.data();
  p.settings = run.settings.data();
  p.controls = run.controls.data();
  p.phase_count = static_cast<int32_t>(run.program.code->phases.size());
  p.batch = run.program.batch;
  p.steps = run.limits.steps;
  p.shuffle = run.program.shuffle;
  p.stop_at_epoch_end = run.limits.stop_at_epoch_end;
  return p;
}

SourceSet set_of(const TableSet& tables) {
  if (tables.sources.size() > kMaxSources) throw std::logic_error("a run has too many sources");
  SourceSet set{};
  for (std::size_t s = 0; s < tables.sources.size(); ++s)
    set.sources[s] = {tables.sources[s].values.data(), tables.sources[s].cols};
  set.labels = tables.labels.data();
  return set;
}

}  // namespace

std::vector<SourceSet> source_sets(const RunTables& tables) {
  std::vector<SourceSet> sets{set_of(tables)};
  for (const TableSet& further : tables.further_sets) sets.push_back(set_of(further));
  return sets;
}

std::vector<std::span<const ProgramRun>> shared_launches(std::span<const ProgramRun> programs, std::size_t sets) {
  check(programs, sets);
  std::vector<std::span<const ProgramRun>> launches;
  for (std::size_t first = 0, end; first < programs.size(); first = end) {
    for (end = first + 1; end < programs.size() && end - first < kMaxPrograms; ++end)
      if (!share_a_launch(programs[first].program, programs[end].program)) break;
    launches.push_back(programs.subspan(first, end - first));
  }
  return launches;
}

Launch launch_of(std::span<const ProgramRun> programs) {
  const Program& first = programs[0].program;
  Launch launch{};
  for (const ProgramRun& run : programs) {
    launch.programs[launch.program_count++] = program_of(run);
    launch.work_floats = std::max(launch.work_floats, run.program.work_floats);
  }
  launch.residents = first.code->residents.data();
  launch.resident_count = static_cast<int32_t>(first.code->residents.size());
  std::copy(first.chains.begin(), first.chains.end(), launch.chains);
  launch.state_floats = first.state_floats;
  launch.replicas = static_cast<int32_t>(programs[0].settings.size());
  return launch;
}

Launch launch_of(const Program& program, const RunLimits& limits) {
  const ProgramRun one{program, {}, {}, limits};
  return launch_of({&one, 1});
}

float* states_from(std::vector<float>& all, int64_t state_floats, std::size_t first, std::size_t floats) {
  const auto each = static_cast<std::size_t>(state_floats);
  if (each == 0 || floats % each != 0 || first > all.size() / each || floats > all.size() - first * each)
    throw std::logic_error("states are asked for of replicas that are not loaded");
  return all.data() + first * each;
}

int64_t fast_floats(std::span<const ProgramRun> programs) {
  int64_t floats = 0;
  for (const ProgramRun& run : programs) floats = std::max(floats, run.program.fast_floats);
  return floats;
}

void prepare_emitted(const ProgramRun& run) {
  if (!run.emitted) return;
  Emitted& e = *run.emitted;
  e.values.resize(run.program.output_cols.size());
  for (std::size_t o = 0; o < e.values.size(); ++o)
    e.values[o].assign(run.settings.size() * static_cast<std::size_t>(int64_t{e.rows} * run.program.output_cols[o]),
                       0.0f);
}

void place_on_host(Launch& launch, std::span<const ProgramRun> programs, const std::vector<SourceSet>& sets,
                   const RunTables& tables) {
  for (std::size_t p = 0; p < programs.size(); ++p) {
    RunData& data = launch.programs[p].data;
    data.sets = sets.data();
    data.row_list = tables.row_list.data();
    data.class_weights = tables.class_weights.data();
    prepare_emitted(programs[p]);
    if (!programs[p].emitted) continue;
    Emitted& e = *programs[p].emitted;
    data.output_rows = e.rows;
    for (std::size_t o = 0; o < e.values.size(); ++o) data.outputs[o] = e.values[o].data();
  }
}

}  // namespace equipoise
