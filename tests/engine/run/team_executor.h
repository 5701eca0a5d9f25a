// tests/engine/run/team_executor.h - runs programs by teams that the CPU backend does not use: many host threads a
// replica, and the GPU's cutting. Scratch holds NaN at the start of every run, so nothing may lean on what lay there.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/run/executor.h"
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

/// A replica's launch over tables and state that live elsewhere, and scratch filled with one value.
class LaunchMemory {
 public:
  LaunchMemory(const Program& program, const RunTables& tables, std::span<const Settings> settings,
               std::span<Control> controls, std::vector<float>& state, const RunLimits& limits,
               float scratch = std::numeric_limits<float>::quiet_NaN())
      : launch_(launch_of(program, limits)),
        fast_(static_cast<std::size_t>(program.fast_floats) + 16, scratch),
        work_(static_cast<std::size_t>(program.work_floats) + 16, scratch) {
    for (std::size_t s = 0; s < tables.sources.size(); ++s)
      launch_.data.sources[s] = {tables.sources[s].values.data(), tables.sources[s].cols};
    launch_.data.labels = tables.labels.data();
    launch_.data.row_list = tables.row_list.data();
    launch_.data.class_weights = tables.class_weights.data();
    launch_.settings = settings.data();
    launch_.controls = controls.data();
    launch_.state = state.data();
    launch_.work = work_.data();
    launch_.work_floats = 0;  // replicas run one after another in the same scratch
    launch_.replicas = static_cast<int32_t>(settings.size());
  }
  const Launch& launch() const { return launch_; }
  float* fast() { return fast_.data(); }
  std::vector<float> work() const { return {work_.begin(), work_.end() - 16}; }

 private:
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
  void load_state(std::span<const float> state, int64_t) override { state_.assign(state.begin(), state.end()); }
  void store_state(std::span<float> state) override { std::copy(state_.begin(), state_.end(), state.begin()); }
  void run(const Program& program, std::span<const Settings> settings, std::span<Control> controls,
           const RunLimits& limits, Emitted*, std::vector<float>* work) override {
    for (int slot = 0; slot < static_cast<int>(settings.size()); ++slot) {
      LaunchMemory memory(program, tables_, settings, controls, state_, limits);
      run_host_team<Team>(threads_, [&](const Team& team) { run_replica(team, memory.launch(), slot, memory.fast()); });
      if (work && slot == 0) *work = memory.work();
    }
  }

 private:
  int threads_;
  PlanLimits limits_;
  RunTables tables_;
  std::vector<float> state_;
};

using HostExecutor = TeamExecutor<HostTeam>;
using DeviceCutExecutor = TeamExecutor<HostTeamOf<DeviceCut>>;

}  // namespace equipoise::test
