// tests/engine/run/scribe.h - an executor that computes nothing: it writes what tells a replica by the number in its
// settings, and keeps what it was asked.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/run/executor.h"
#include "engine/run/launch_data.h"
#include "engine/run/replica_floats.h"

namespace equipoise::test {

using Numbers = std::vector<uint32_t>;

/// What a scribe emits at a place of a replica of that number.
inline float told_at(uint32_t number, std::size_t output, int slot, int row, int col) {
  return static_cast<float>(number * 100000 + output * 10000) + static_cast<float>(slot * 1000 + row * 10 + col);
}
inline double noted_at(uint32_t number, int slot, int at) { return number * 100000 + slot * 1000 + at; }

class Scribe : public Executor {
 public:
  explicit Scribe(std::string name = "scribe", PlanLimits limits = {}, int host_threads = 1)
      : name_(std::move(name)), limits_(limits), host_threads_(host_threads) {}

  std::string name() const override { return name_; }
  PlanLimits plan_limits() const override { return limits_; }
  int host_threads() const override { return host_threads_; }
  void load_tables(const RunTables& tables) override { labels = tables.labels; }
  void load_state(std::span<const float> state, int64_t floats) override { state_.assign(state, floats), ++loads; }
  void store_state(std::span<float> state) override { state_.store(0, state), ++moves; }
  void load_states(std::size_t first, std::span<const float> some) override { state_.load(first, some), ++moves; }
  void store_states(std::size_t first, std::span<float> some) override { state_.store(first, some), ++moves; }
  void load_best(std::span<const float> best, int64_t floats) override { best_.assign(best, floats); }
  void load_bests(std::size_t first, std::span<const float> some) override { best_.load(first, some), ++moves; }
  void store_bests(std::size_t first, std::span<float> some) const override { best_.store(first, some), ++moves; }
  using Executor::run;
  void run(std::span<const ProgramRun> programs, std::vector<float>* work) override {
    before();
    for (const ProgramRun& run : programs) {
      runs.push_back(numbers_of(run));
      prepare_emitted(run);
      for (std::size_t i = 0; i < run.settings.size(); ++i) {
        const uint32_t number = run.settings[i].replica;
        run.controls[i].step += run.limits.steps + number;
        state_.data()[static_cast<int64_t>(i) * state_.each()] += static_cast<float>(number);
        tell(run, i, 0, 1);
      }
    }
    if (work) *work = {static_cast<float>(programs[0].settings[0].replica), 0.5f};
  }
  void run_epochs(const EpochsRun& run) override {
    before();
    runs.push_back(numbers_of(run.train));
    EXPECT_EQ(runs.back(), numbers_of(run.evaluate));
    prepare_epochs(run);
    const int doubles = record_doubles(record_shape(run.train.program, run.evaluate.program));
    for (std::size_t i = 0; i < run.rules.size(); ++i) {
      const uint32_t number = run.train.settings[i].replica;
      EXPECT_EQ(run.rules[i].epochs, static_cast<int>(1000 + number));
      run.train.controls[i].step += run.train.limits.steps + number;
      run.standings[i].records = run.slots;
      run.standings[i].best_value = number + 0.25;
      best_.data()[static_cast<int64_t>(i) * best_.each()] += static_cast<float>(number);
      for (int slot = 0; slot < run.slots; ++slot) {
        for (int at = 0; at < doubles; ++at)
          (*run.records)[(i * static_cast<std::size_t>(run.slots) + slot) * doubles + at] = noted_at(number, slot, at);
        if (slot < output_slots(run)) tell(run.evaluate, i, slot, output_slots(run));
      }
    }
  }

  std::function<void()> before = [] {};
  std::vector<Numbers> runs;
  std::vector<int32_t> labels;
  int loads = 0;
  mutable int moves = 0;

 private:
  static Numbers numbers_of(const ProgramRun& run) {
    Numbers numbers;
    for (const Settings& s : run.settings) numbers.push_back(s.replica);
    return numbers;
  }
  static void tell(const ProgramRun& run, std::size_t i, int slot, int slots) {
    if (!run.emitted) return;
    for (std::size_t o = 0; o < run.emitted->values.size(); ++o) {
      const int cols = run.program.output_cols[o];
      float* to = run.emitted->values[o].data();
      if (run.emitted->values[o].empty()) continue;
      to += (i * static_cast<std::size_t>(slots) + slot) * static_cast<std::size_t>(run.emitted->rows * cols);
      for (int row = 0; row < run.emitted->rows; ++row)
        for (int col = 0; col < cols; ++col) *to++ = told_at(run.settings[i].replica, o, slot, row, col);
    }
  }

  std::string name_;
  PlanLimits limits_;
  int host_threads_;
  ReplicaFloats state_, best_;
};

}  // namespace equipoise::test
