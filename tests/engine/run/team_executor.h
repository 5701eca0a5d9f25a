// tests/engine/run/team_executor.h - runs programs by teams that the CPU backend does not use: many host threads a
// replica, and the GPU's cutting. Scratch holds NaN at the start of every run, so nothing may lean on what lay there.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/run/launch_data.h"
#include "engine/run/replica_floats.h"
#include "kernels/run/interpreter.h"
#include "kernels/teams/host_team.h"

namespace equipoise {

// Compiled once each, by team_executor.cpp and device_cut_executor.cpp.
#define EQ_EXTERN(tag, Struct)                                                             \
  extern template void run_operation(const HostTeam&, const Context&, const Struct&, int); \
  extern template void run_operation(const HostTeamOf<DeviceCut>&, const Context&, const Struct&, int);
EQ_OPERATIONS(EQ_EXTERN)
#undef EQ_EXTERN

}  // namespace equipoise

namespace equipoise::test {

/// A launch over tables and state that live elsewhere, and scratch filled with one value. Replicas run one after
/// another in the same scratch.
class LaunchMemory {
 public:
  LaunchMemory(std::span<const ProgramRun> programs, const RunTables& tables, float* state,
               float scratch = std::numeric_limits<float>::quiet_NaN())
      : sets_(source_sets(tables)), launch_(launch_of(programs)) {
    place_on_host(launch_, programs, sets_, tables);
    take_scratch(programs, state, scratch);
  }
  /// Of a run by epochs.
  LaunchMemory(const EpochsRun& run, const RunTables& tables, float* state, float* best,
               float scratch = std::numeric_limits<float>::quiet_NaN())
      : sets_(source_sets(tables)), launch_(launch_of(run, sets_.size())) {
    prepare_epochs(run);
    place_on_host(launch_, run, sets_, tables, best, keys_);
    const ProgramRun programs[] = {run.train, run.evaluate};
    take_scratch(programs, state, scratch);
  }
  /// The same of one program.
  LaunchMemory(const Program& program, const RunTables& tables, std::span<const Settings> settings,
               std::span<Control> controls, std::vector<float>& state, const RunLimits& limits,
               float scratch = std::numeric_limits<float>::quiet_NaN())
      : LaunchMemory(std::vector<ProgramRun>{{program, settings, controls, limits}}, tables, state.data(), scratch) {}
  LaunchMemory(const LaunchMemory&) = delete;
  LaunchMemory& operator=(const LaunchMemory&) = delete;

  const Launch& launch() const { return launch_; }
  float* fast() { return fast_.data(); }
  std::vector<float> work() const { return {work_.begin(), work_.end() - 16}; }
  /// All scratch holds `value` again.
  void soil(float value) {
    std::fill(fast_.begin(), fast_.end(), value);
    std::fill(work_.begin(), work_.end(), value);
  }

 private:
  void take_scratch(std::span<const ProgramRun> programs, float* state, float scratch) {
    fast_.assign(static_cast<std::size_t>(fast_floats(programs)) + 16, scratch);
    work_.assign(static_cast<std::size_t>(std::exchange(launch_.work_floats, 0)) + 16, scratch);
    launch_.state = state;
    launch_.work = work_.data();
  }

  std::vector<SourceSet> sets_;
  std::vector<uint64_t> keys_;
  Launch launch_;
  std::vector<float> fast_, work_;
};

/// Replicas one after another, each by a team of `threads` host threads (HostTeam or its device-cut twin).
template <class Team>
class TeamExecutor : public Executor {
 public:
  explicit TeamExecutor(int threads, PlanLimits limits = {}) : threads_(threads), limits_(limits) {}

  std::string name() const override { return "a team of " + std::to_string(threads_) + " host threads"; }
  PlanLimits plan_limits() const override { return limits_; }
  void load_tables(const RunTables& tables) override { tables_ = tables; }
  void load_state(std::span<const float> state, int64_t state_floats) override { state_.assign(state, state_floats); }
  void store_state(std::span<float> state) override { state_.store(0, state); }
  void load_states(std::size_t first, std::span<const float> states) override { state_.load(first, states); }
  void store_states(std::size_t first, std::span<float> states) override { state_.store(first, states); }
  void load_best(std::span<const float> best, int64_t floats) override { best_.assign(best, floats); }
  void load_bests(std::size_t first, std::span<const float> bests) override { best_.load(first, bests); }
  void store_bests(std::size_t first, std::span<float> bests) const override { best_.store(first, bests); }
  using Executor::run;
  void run(std::span<const ProgramRun> programs, std::vector<float>* work) override {
    for (const std::span<const ProgramRun> together : shared_launches(programs, 1 + tables_.further_sets.size())) {
      LaunchMemory memory(together, tables_, state_.data());
      run_all(memory, work);
    }
  }
  void run_epochs(const EpochsRun& run) override {
    LaunchMemory memory(run, tables_, state_.data(), best_.data());
    run_all(memory, nullptr);
  }

 private:
  void run_all(LaunchMemory& memory, std::vector<float>* work) {
    for (int slot = 0; slot < memory.launch().replicas; ++slot) {
      memory.soil(std::numeric_limits<float>::quiet_NaN());
      run_host_team<Team>(threads_, [&](const Team& team) { run_replica(team, memory.launch(), slot, memory.fast()); });
      if (work && slot == 0) *work = memory.work();
    }
  }

  int threads_;
  PlanLimits limits_;
  RunTables tables_;
  ReplicaFloats state_, best_;
};

using HostExecutor = TeamExecutor<HostTeam>;
using DeviceCutExecutor = TeamExecutor<HostTeamOf<DeviceCut>>;

}  // namespace equipoise::test
