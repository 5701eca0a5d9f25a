// bench/train/mldrl_case.h - the published MLDRL training as the whole-step benchmarks run it.
#pragma once

#include <random>
#include <span>
#include <utility>
#include <vector>

#include "engine/run/executor.h"
#include "engine/run/parameters.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/setup.h"

namespace equipoise::bench {

/// Two views of 81 features, hidden 32, latent 10 = 6 + 4, three tasks under GradNorm, batches of 32 out of 320 rows of
/// normal noise; any number of replicas, which differ in their number alone.
struct MldrlCase {
  static constexpr int kFeatures = 81, kRows = 320, kTasks = 3;

  Setup setup;
  Program program;
  RunTables tables;
  std::vector<Settings> settings;  // [replicas]
  std::vector<Control> controls;   // [replicas]

  MldrlCase(Executor& executor, int replicas, int batch = 32) : setup(mldrl_setup("paper")) {
    mldrl(setup).features = {kFeatures, kFeatures};
    setup.settings.rows = kRows;
    program = lower(setup.system->graph(Pass::train), training_options(setup, batch, executor.plan_limits()));
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (int view = 0; view < 2; ++view) {
      RunTables::Values values{std::vector<float>(static_cast<std::size_t>(kRows * kFeatures)), kFeatures};
      for (float& value : values.values) value = normal(random);
      tables.sources.push_back(std::move(values));
    }
    for (int row = 0; row < kRows; ++row) {
      tables.labels.push_back(row % 2);
      tables.row_list.push_back(row);
    }
    tables.class_weights = {1.0f, 1.0f};
    executor.load_tables(tables);

    std::vector<float> state(static_cast<std::size_t>(program.state_floats * replicas));
    for (int r = 0; r < replicas; ++r) {
      settings.push_back(setup.settings);
      settings.back().replica = static_cast<uint32_t>(r);
      controls.push_back(fresh_control(settings.back(), kTasks));
      const std::span<float> mine(state.data() + r * program.state_floats,
                                  static_cast<std::size_t>(program.state_floats));
      initialise(program, mine, setup.settings.seed, static_cast<uint32_t>(r));
    }
    executor.load_state(state, program.state_floats);
  }

  void run(Executor& executor, int steps) { executor.run(program, settings, controls, {steps, false}); }
};

}  // namespace equipoise::bench
