// engine/run/launch_data.cpp - launches of programs.
#include "engine/run/launch_data.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "engine/lower/program_code.h"
#include "kernels/run/ranked_auc.h"

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

RecordShape record_shape(const Program& train, const Program& evaluate) {
  return {static_cast<int32_t>(train.task_names.size()), static_cast<int32_t>(train.term_names.size()),
          static_cast<int32_t>(std::max<std::size_t>(train.chains.size(), 1)),
          static_cast<int32_t>(evaluate.task_names.size()), static_cast<int32_t>(evaluate.term_names.size())};
}

Launch launch_of(const EpochsRun& run, std::size_t sets) {
  const ProgramRun programs[] = {run.train, run.evaluate};
  const std::size_t replicas = run.train.settings.size();
  if (shared_launches(programs, sets).size() != 1)
    throw std::logic_error("training and evaluation of one run are lowered beside each other");
  if (run.rules.size() != replicas || run.standings.size() != replicas || run.slots < 1 || !run.records)
    throw std::logic_error("a run by epochs has rules, a standing and room for a record of each replica");
  Launch launch = launch_of(programs);
  launch.programs[0].stop_at_epoch_end = true;
  launch.epochs.best_floats = run.train.program.moment_stride;
  launch.epochs.slots = run.slots;
  launch.epochs.shape = record_shape(run.train.program, run.evaluate.program);
  launch.epochs.keeps_outputs = run.keeps_outputs;
  for (std::size_t r = 0; r < replicas; ++r) {
    const Watch& watch = run.rules[r].watch;
    const bool ranks = watch.watched == Watched::auc || watch.watched == Watched::target_aucs;
    if (ranks) launch.epochs.key_count = std::max(launch.epochs.key_count, sorted_size(run.evaluate.settings[r].rows));
    if (watch.watched == Watched::squared_error) launch.epochs.key_count = std::max(launch.epochs.key_count, kSquares);
    const bool reads = ranks || watch.watched == Watched::squared_error;
    const std::vector<int>& cols = run.evaluate.program.output_cols;
    if (reads && run.evaluate.settings[r].rows > 0 &&
        (!run.evaluate.emitted || static_cast<std::size_t>(watch.output) >= cols.size() ||
         cols[static_cast<std::size_t>(watch.output)] != watch.cols ||
         (run.evaluate.emitted->outputs >> watch.output & 1u) == 0))
      throw std::logic_error("an output is watched that the evaluation does not keep");
  }
  return launch;
}

int64_t fast_floats(std::span<const ProgramRun> programs) {
  int64_t floats = 0;
  for (const ProgramRun& run : programs) floats = std::max(floats, run.program.fast_floats);
  return floats;
}

void prepare_emitted(const ProgramRun& run, int times) {
  if (!run.emitted) return;
  Emitted& e = *run.emitted;
  e.values.resize(run.program.output_cols.size());
  const std::size_t blocks = run.settings.size() * static_cast<std::size_t>(times);
  for (std::size_t o = 0; o < e.values.size(); ++o)
    e.values[o].assign(
        e.outputs >> o & 1u ? blocks * static_cast<std::size_t>(int64_t{e.rows} * run.program.output_cols[o]) : 0,
        0.0f);
}

void prepare_epochs(const EpochsRun& run) {
  prepare_emitted(run.evaluate, output_slots(run));
  const RecordShape shape = record_shape(run.train.program, run.evaluate.program);
  run.records->assign(run.rules.size() * static_cast<std::size_t>(run.slots * record_doubles(shape)), 0.0);
  for (EpochStanding& standing : run.standings) standing.records = 0;
}

namespace {

void place_program(LaunchProgram& program, const ProgramRun& run, const std::vector<SourceSet>& sets,
                   const RunTables& tables) {
  RunData& data = program.data;
  data.sets = sets.data();
  data.row_list = tables.row_list.data();
  data.class_weights = tables.class_weights.data();
  if (!run.emitted) return;
  data.output_rows = run.emitted->rows;
  for (std::size_t o = 0; o < run.emitted->values.size(); ++o)
    data.outputs[o] = run.emitted->values[o].empty() ? nullptr : run.emitted->values[o].data();
}

}  // namespace

void place_on_host(Launch& launch, std::span<const ProgramRun> programs, const std::vector<SourceSet>& sets,
                   const RunTables& tables) {
  for (std::size_t p = 0; p < programs.size(); ++p) {
    prepare_emitted(programs[p]);
    place_program(launch.programs[p], programs[p], sets, tables);
  }
}

void place_on_host(Launch& launch, const EpochsRun& run, const std::vector<SourceSet>& sets, const RunTables& tables,
                   float* best, std::vector<uint64_t>& keys) {
  place_program(launch.programs[0], run.train, sets, tables);
  place_program(launch.programs[1], run.evaluate, sets, tables);
  LaunchEpochs& epochs = launch.epochs;
  keys.assign(run.rules.size() * static_cast<std::size_t>(epochs.key_count), 0);
  epochs.rules = run.rules.data();
  epochs.standings = run.standings.data();
  epochs.best = best;
  epochs.records = run.records->data();
  epochs.keys = keys.data();
}

}  // namespace equipoise
