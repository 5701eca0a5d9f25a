// tests/engine/systems/synthetic_run.h - an MLDRL training on made-up two-view data, and the hash of all it leaves
// behind.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/files/sha256.h"
#include "engine/run/executor.h"
#include "engine/run/parameters.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/setup.h"
#include "kernels/base/philox.h"
#include "tests/engine/run/control_hash.h"

namespace equipoise::test {

/// The paper's variant at small sizes that leave no tile, lane or batch full.
inline Setup synthetic_setup(const std::string& variant = "paper") {
  Setup setup = mldrl_setup(variant);
  mldrl(setup).features = {81, 45};
  // The code variant's difference has no lower bound: it must be approached slowly.
  setup.settings.lr = setup.settings.task_lr = variant == "paper" ? 5e-3 : 5e-4;
  setup.settings.weight_decay = 1e-2;
  setup.settings.clip_norm = 1.0;
  setup.settings.rows = 107;  // batches of 32: the epoch ends with 11 rows
  setup.settings.seed = 20;
  return setup;
}

/// The paper's variant with one to six views of unlike widths.
inline Setup synthetic_views(int views) {
  Setup setup = synthetic_setup();
  mldrl(setup).features.clear();
  for (int i = 0; i < views; ++i) mldrl(setup).features.push_back(19 + 7 * i);
  if (views == 1) {
    mldrl(setup).losses = {kReconstruction, kClassification};
    setup.settings.initial_weights[1] = setup.settings.initial_weights[2];
  }
  return setup;
}

/// Rows of the views made of three factors and noise; the first factor's sign is the label, and one row in five is
/// unlabelled. Philox words and float operations in a fixed order only: the same on every machine.
inline RunTables synthetic_tables(const Setup& setup) {
  const int rows = setup.settings.rows;
  const std::vector<int>& cols = mldrl(setup).features;
  enum : uint32_t { kFactor = 100, kLoading, kNoise };
  const auto centred = [](uint32_t what, uint32_t view, int row, int col) {
    return 2.0f * uniform01(draw({77, view, static_cast<uint32_t>(row), what}, static_cast<uint32_t>(col)).v[0]) - 1.0f;
  };
  RunTables tables;
  for (uint32_t view = 0; view < cols.size(); ++view) {
    tables.sources.push_back({{}, cols[view]});
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < cols[view]; ++c) {
        float x = 0.25f * centred(kNoise, view, r, c);
        for (int f = 0; f < 3; ++f) x += 1.5f * centred(kFactor, 0, r, f) * centred(kLoading, view, c, f);
        tables.sources.back().values.push_back(x);
      }
  }
  for (int r = 0; r < rows; ++r) {
    tables.labels.push_back(r % 5 == 4 ? -1 : (centred(kFactor, 0, r, 0) > 0 ? 1 : 0));
    tables.row_list.push_back((r * 5) % rows);
  }
  tables.class_weights = {0.75f, 1.5f};
  return tables;
}

/// The program of a training step of this setup.
inline Program synthetic_program(const Setup& setup, int batch, const PlanLimits& limits = {}) {
  return lower(setup.system->graph(Pass::train), training_options(setup, batch, limits));
}

/// Lists of coefficients that a control holds: one for each balancer, and one where there is none.
inline int balancers_of_program(const Program& program) { return std::max(static_cast<int>(program.chains.size()), 1); }

/// SHA-256 over parameters and moments by name, the methods' state, and the control by its fields.
inline std::string hash_of(const Program& program, std::span<const float> state, const Control& control) {
  Sha256 hash;
  for (const StatePart part : {StatePart::parameter, StatePart::moment1, StatePart::moment2})
    for (const ParameterInfo& p : program.parameters) {
      const std::vector<float> values = read_parameter(program, p, part, state);
      hash.update(values.data(), values.size() * sizeof(float));
    }
  const std::vector<double> balance = read_balance(program, state);
  hash.update(balance.data(), balance.size() * sizeof(double));
  add_control(hash, control_sizes(program), control);
  return hash.hex();
}

/// Replicas of one setup that differ in their logical number and seed.
struct Population {
  explicit Population(const Setup& setup, const Program& program, const std::vector<uint32_t>& numbers) {
    for (uint32_t number : numbers) {
      settings.push_back(replica_settings(setup));
      settings.back().replica = number;
      settings.back().seed = setup.settings.seed + number % 3;
      controls.push_back(
          fresh_control(settings.back(), static_cast<int>(program.task_names.size()), balancers_of_program(program)));
      std::vector<float> one(static_cast<std::size_t>(program.state_floats));
      initialise(program, one, settings.back().seed, number);
      state.insert(state.end(), one.begin(), one.end());
    }
  }
  /// Hash of each replica, in the order of the numbers.
  std::vector<std::string> hashes(const Program& program) const {
    std::vector<std::string> all;
    const auto floats = static_cast<std::size_t>(program.state_floats);
    for (std::size_t i = 0; i < settings.size(); ++i)
      all.push_back(hash_of(program, std::span(state).subspan(i * floats, floats), controls[i]));
    return all;
  }

  std::vector<Settings> settings;
  std::vector<Control> controls;
  std::vector<float> state;
};

/// Trains the replicas for `steps` steps in launches of `per_launch`.
inline Population trained(const Setup& setup, const Program& program, Executor& executor, int steps, int per_launch,
                          const std::vector<uint32_t>& numbers) {
  Population population(setup, program, numbers);
  executor.load_tables(synthetic_tables(setup));
  executor.load_state(population.state, program.state_floats);
  for (int done = 0; done < steps; done += per_launch)
    executor.run(program, population.settings, population.controls, {std::min(per_launch, steps - done), false});
  executor.store_state(population.state);
  return population;
}

/// The hashes of a training, in the order of the numbers.
inline std::vector<std::string> train(const Setup& setup, int batch, Executor& executor, int steps, int per_launch,
                                      const std::vector<uint32_t>& numbers) {
  const Program program = synthetic_program(setup, batch, executor.plan_limits());
  return trained(setup, program, executor, steps, per_launch, numbers).hashes(program);
}

}  // namespace equipoise::test
