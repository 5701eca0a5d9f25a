// tests/cuda/problem.h - made-up two-view data, replicas that train on it, and comparison by bits.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
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

struct Problem {
  Setup setup;
  RunTables tables;
};

/// Rows of normal values whose labels follow them; every eleventh row is unlabelled.
inline Problem make_problem(const std::string& variant, int rows, int features1, int features2) {
  Problem p{mldrl_setup(variant), {}};
  mldrl(p.setup).features = {features1, features2};
  p.setup.settings.rows = rows;
  p.setup.settings.lr = p.setup.settings.task_lr = 1e-3;  // larger than published, so that 50 steps move far
  for (int view = 0; view < 2; ++view) {
    RunTables::Values source{{}, view == 0 ? features1 : features2};
    const auto count = static_cast<size_t>(rows) * static_cast<size_t>(source.cols);
    for (uint32_t block = 0; source.values.size() < count; ++block) {
      float four[4];
      normals(draw({7, 0, static_cast<uint32_t>(view), 99}, block), four);
      source.values.insert(source.values.end(), four, four + 4);
    }
    source.values.resize(count);
    p.tables.sources.push_back(std::move(source));
  }
  for (int r = 0; r < rows; ++r) {
    p.tables.labels.push_back(
        r % 11 == 10 ? -1 : (p.tables.sources[0].values[static_cast<size_t>(r) * features1] > 0 ? 1 : 0));
    p.tables.row_list.push_back(rows - 1 - r);
  }
  p.tables.class_weights = {0.75f, 1.5f};
  return p;
}

/// Replicas 0 .. count-1 before their first step, each with its own seed.
struct Replicas {
  std::vector<Settings> settings;
  std::vector<Control> controls;
  std::vector<float> state;  // [replicas, state_floats]
  ControlSizes sizes{};      // of the program
};

inline Replicas make_replicas(const Problem& problem, const Program& program, int count) {
  Replicas r;
  r.sizes = control_sizes(program);
  r.state.resize(static_cast<size_t>(count * program.state_floats));
  for (int i = 0; i < count; ++i) {
    Settings settings = replica_settings(problem.setup);
    settings.replica = static_cast<uint32_t>(i);
    settings.seed = 1000 + static_cast<uint64_t>(i % 5);
    r.settings.push_back(settings);
    r.controls.push_back(fresh_control(settings, static_cast<int>(program.task_names.size()),
                                       std::max(static_cast<int>(program.chains.size()), 1)));
    initialise(program, std::span(r.state).subspan(static_cast<size_t>(i * program.state_floats), program.state_floats),
               settings.seed, settings.replica);
  }
  return r;
}

/// Trains `count` replicas and returns them as they are then; lowers for the executor's own limits.
inline Replicas train(Executor& executor, const Problem& problem, int count, int batch, RunLimits limits,
                      int runs = 1) {
  const Program program =
      lower(problem.setup.system->graph(Pass::train), training_options(problem.setup, batch, executor.plan_limits()));
  Replicas r = make_replicas(problem, program, count);
  executor.load_tables(problem.tables);
  executor.load_state(r.state, program.state_floats);
  for (int run = 0; run < runs; ++run) executor.run(program, r.settings, r.controls, limits);
  executor.store_state(r.state);
  return r;
}

template <class T>
void expect_equal_bits(const std::vector<T>& expected, const std::vector<T>& got, const std::string& what) {
  ASSERT_EQ(expected.size(), got.size()) << what;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::memcmp(&expected[i], &got[i], sizeof(T)) == 0) continue;
    const auto* e = reinterpret_cast<const unsigned char*>(&expected[i]);
    const auto* g = reinterpret_cast<const unsigned char*>(&got[i]);
    size_t byte = 0;
    while (e[byte] == g[byte]) ++byte;
    if constexpr (std::is_arithmetic_v<T>)
      FAIL() << what << "[" << i << "]: expected " << expected[i] << ", got " << got[i];
    else FAIL() << what << "[" << i << "] differs from its byte " << byte << " on";
  }
}

inline void expect_equal_bits(const Replicas& expected, const Replicas& got) {
  expect_equal_bits(expected.controls, got.controls, "control");
  expect_equal_bits(expected.state, got.state, "state");
}

/// SHA-256 over parameters, moments and controls.
inline std::string hash(const Replicas& r) {
  Sha256 sha;
  sha.update(r.state.data(), r.state.size() * sizeof(float));
  for (const Control& control : r.controls) add_control(sha, r.sizes, control);
  return sha.hex();
}

}  // namespace equipoise::test
