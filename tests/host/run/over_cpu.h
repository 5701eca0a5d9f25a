// tests/host/run/over_cpu.h - a CPU executor of one thread, for tests to see and delay what is asked of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/run/executor.h"

namespace equipoise::testing {

class OverCpu : public Executor {
 public:
  std::string name() const override { return cpu_->name(); }
  PlanLimits plan_limits() const override { return cpu_->plan_limits(); }
  void load_tables(const RunTables& tables) override { cpu_->load_tables(tables); }
  void load_state(std::span<const float> state, int64_t floats) override { cpu_->load_state(state, floats); }
  void store_state(std::span<float> state) override { cpu_->store_state(state); }
  void load_states(std::size_t first, std::span<const float> states) override { cpu_->load_states(first, states); }
  void store_states(std::size_t first, std::span<float> states) override { cpu_->store_states(first, states); }
  void load_best(std::span<const float> best, int64_t floats) override { cpu_->load_best(best, floats); }
  void load_bests(std::size_t first, std::span<const float> bests) override { cpu_->load_bests(first, bests); }
  void store_bests(std::size_t first, std::span<float> bests) const override { cpu_->store_bests(first, bests); }
  void run(std::span<const ProgramRun> programs, std::vector<float>* work) override { cpu_->run(programs, work); }
  void run_epochs(const EpochsRun& run) override { cpu_->run_epochs(run); }

 private:
  std::unique_ptr<Executor> cpu_ = make_cpu_executor(1);
};

}  // namespace equipoise::testing
