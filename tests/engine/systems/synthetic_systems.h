// tests/engine/systems/synthetic_systems.h - made-up data sets and training plans of multi-task networks and VAE-GANs.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/balance/methods.h"
#include "engine/base/dataset.h"
#include "engine/run/executor.h"
#include "engine/run/stepper.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/mtl/mtl_system.h"
#include "engine/systems/setup.h"
#include "engine/systems/stepping.h"
#include "engine/systems/vaegan/vaegan_system.h"
#include "engine/train/evaluator.h"
#include "engine/train/trainer.h"
#include "kernels/base/philox.h"
#include "tests/engine/systems/synthetic_run.h"

namespace equipoise::test {

/// Sizes of the synthetic data. Epochs have four steps, the last one with 7 rows.
inline constexpr int kSystemBatch = 12, kSystemTraining = 43, kSystemValidation = 9;

/// A name and its target's columns one after another, kinds in turn: a regression of 1 output, one of 3, binary, and
/// three classes.
inline std::vector<Target> mixed_tasks(int count) {
  std::vector<Target> tasks;
  int col = 0;
  for (int k = 0; k < count; ++k) {
    Target t{.name = "task" + std::to_string(k), .likelihood = &regression(), .first_col = col};
    if (k % 4 == 1) t.cols = 3;
    if (k % 4 == 2) t.likelihood = &binary();
    if (k % 4 == 3) {
      t.likelihood = &multiclass();
      t.classes = 3;
    }
    col += t.cols;
    tasks.push_back(t);
  }
  return tasks;
}

/// Makes counts of the regressions.
inline void count_instead(std::vector<Target>& tasks) {
  for (Target& t : tasks)
    if (t.likelihood == &regression()) t.likelihood = &count();
}

inline void train_fast(Setup& setup) {
  setup.settings.lr = setup.settings.task_lr = 5e-3;
  setup.settings.weight_decay = 1e-2;
  setup.settings.clip_norm = 2.0;
  setup.settings.seed = 20;
  setup.settings.rows = kSystemTraining;
}

/// Published habits at small sizes that leave no tile or lane full.
inline Setup synthetic_towers(int tasks = 4) {
  Setup setup = mtl_setup("towers");
  train_fast(setup);
  MtlModel& m = mtl(setup);
  m.features = 21;
  m.trunk = {19};
  m.tower = {9, 5};
  m.tasks = mixed_tasks(tasks);
  return setup;
}
/// Three tasks: counts of one column and of three, and a binary one.
inline Setup synthetic_counts() {
  Setup setup = synthetic_towers(3);
  count_instead(mtl(setup).tasks);
  return setup;
}
/// Towers whose losses of classes are weighted means.
inline Setup synthetic_weighed(int tasks = 4) {
  Setup setup = synthetic_towers(tasks);
  setup.system->weigh_classes();
  return setup;
}
inline Setup synthetic_trunk(int tasks = 10) {
  Setup setup = mtl_setup("trunk");
  train_fast(setup);
  MtlModel& m = mtl(setup);
  m.features = 14;
  m.trunk = {13, 9};
  m.tasks = mixed_tasks(tasks);
  return setup;
}
/// `labels` columns of auxiliary labels; 0: rows without labels.
inline Setup synthetic_vaegan(int labels = 1, std::vector<int> hidden = {11}, int feature_layer = 1) {
  Setup setup = vaegan_setup();
  train_fast(setup);
  setup.settings.lr = 1e-3;
  setup.settings.clip_norm = 50.0;  // losses are sums over the batch
  VaeganModel& m = vaegan(setup);
  m.features = 18;
  m.latent = 3;
  m.labels = labels;
  m.encoder = m.decoder = m.discriminator = std::move(hidden);
  m.feature_layer = feature_layer;
  return setup;
}

/// Uniform in [-1, 1): the same on every machine, as are all values below.
inline float centred(uint32_t what, int row, int col) {
  const PhiloxBlock words = draw({91, 0, static_cast<uint32_t>(row), what}, static_cast<uint32_t>(col));
  return 2.0f * uniform01(words.v[0]) - 1.0f;
}

/// Targets follow the features linearly; about 15 in 100 are missing.
inline void add_targets(const std::vector<Target>& tasks, Dataset& data) {
  enum : uint32_t { kLoading = 210, kMissing };
  data.tasks = tasks;
  for (const Target& t : tasks) data.target_cols += t.cols;
  const int features = data.features[0];
  for (int r = 0; r < data.rows; ++r)
    for (const Target& t : tasks)
      for (int c = t.first_col; c < t.first_col + t.cols; ++c) {
        float value = 0;
        for (int f = 0; f < features; ++f)
          value += data.views[0][static_cast<std::size_t>(r * features + f)] * centred(kLoading, c, f);
        if (t.likelihood == &binary()) value = value > 0 ? 1.0f : 0.0f;
        if (t.likelihood == &multiclass()) value = value > 0.8f ? 2.0f : value > -0.8f ? 1.0f : 0.0f;
        if (t.likelihood == &count()) value = std::floor(value * value);
        const bool missing = centred(kMissing, r, c) < -0.7f;
        data.targets.push_back(missing ? std::numeric_limits<float>::quiet_NaN() : value);
      }
}

/// Rows of each view, made of three factors and noise; the first factor tells the label, every fifth row has none.
inline Dataset synthetic_data(const std::vector<int>& features, int rows) {
  enum : uint32_t { kFactor = 220, kNoise, kLoading };
  Dataset data;
  data.rows = rows;
  data.classes = 2;
  data.features = features;
  for (std::size_t v = 0; v < features.size(); ++v) {
    const auto view = static_cast<uint32_t>(10 * v);
    data.views.emplace_back();
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < features[v]; ++c) {
        float x = 0.25f * centred(kNoise + view, r, c);
        for (int f = 0; f < 3; ++f) x += 1.5f * centred(kFactor, r, f) * centred(kLoading + view, c, f);
        data.views.back().push_back(x);
      }
  }
  for (int r = 0; r < rows; ++r) {
    data.ids.push_back("row " + std::to_string(100 + r));
    data.label.push_back(r % 5 == 4 ? -1 : (centred(kFactor, r, 0) > 0 ? 1 : 0));
  }
  return data;
}

struct SyntheticSystem {
  Dataset data;
  Split split;
  TrainingPlan plan;
};

/// Data for the model of the setup, of which the last rows validate.
inline SyntheticSystem synthetic_system(const Setup& setup, int batch = kSystemBatch, int training = kSystemTraining) {
  SyntheticSystem s;
  std::vector<int> features;  // of the inputs, which are the first sources
  const Graph graph = setup.system->graph(Pass::train);
  for (const Tensor& t : graph.tensors())
    if (t.source >= 0 && t.source < setup.system->traits().most_views) features.push_back(t.cols);
  s.data = synthetic_data(features, training + kSystemValidation);
  if (const std::span<const Target> targets = setup.system->targets(); !targets.empty()) {
    s.data.label.assign(s.data.label.size(), -1);
    s.data.classes = 0;
    add_targets({targets.begin(), targets.end()}, s.data);
  }
  // Training rows come in no order of their own.
  for (int r = 0; r < training; ++r) s.split.train.push_back((r * 5) % training);
  for (int r = training; r < s.data.rows; ++r) s.split.validation.push_back(r);
  s.plan.setup = setup;
  s.plan.setup.settings.rows = training;
  s.plan.batch = batch;
  s.plan.epochs = 100;
  s.plan.patience = 0;
  s.plan.monitor = Monitor::loss;
  s.plan.class_weights = {0.75f, 1.5f};
  for (int k = 2; k < setup.system->weighed_classes(s.data); ++k)
    s.plan.class_weights.push_back(0.25f + 0.625f * static_cast<float>((k * 3) % 5));
  return s;
}

/// A training one step at a time, on the synthetic data.
struct SteppedSystem {
  SteppedSystem(const Setup& setup, int batch, int training = kSystemTraining)
      : system(synthetic_system(setup, batch, training)),
        executor(make_cpu_executor(1)),
        stepper(stepper_of(system.plan.setup, batch, Pass::train, true, *executor)) {
    executor->load_tables(tables_of(*setup.system, system.data, system.split, system.plan.class_weights));
    std::vector<float> state(static_cast<std::size_t>(stepper.program().state_floats));
    initialise(stepper.program(), state, setup.settings.seed, setup.settings.replica);
    executor->load_state(state, stepper.program().state_floats);
  }
  /// A parameter, or one of its moments, as it stands.
  std::vector<float> value(const ParameterInfo& p, StatePart part = StatePart::parameter) const {
    return read_parameter(stepper.program(), p, part, stepper.state());
  }

  SyntheticSystem system;
  std::unique_ptr<Executor> executor;
  Stepper stepper;
};

/// Hashes of replicas that train for some steps in launches of `per_launch`, in the order of the numbers.
inline std::vector<std::string> train_system(const Setup& setup, Executor& executor, int steps, int per_launch,
                                             const std::vector<uint32_t>& numbers) {
  const SyntheticSystem s = synthetic_system(setup);
  const Program program = synthetic_program(s.plan.setup, s.plan.batch, executor.plan_limits());
  Population population(s.plan.setup, program, numbers);
  executor.load_tables(tables_of(*setup.system, s.data, s.split, s.plan.class_weights));
  executor.load_state(population.state, program.state_floats);
  for (int done = 0; done < steps; done += per_launch)
    executor.run(program, population.settings, population.controls, {std::min(per_launch, steps - done), false});
  executor.store_state(population.state);
  return population.hashes(program);
}

/// The only balancer of a setup, from words.
inline void balance_by(Setup& setup, const std::vector<std::string>& methods, const std::string& at = "parameters") {
  setup.balance.resize(1);
  setup.balance[0].methods = parse_methods(methods, "test").methods;
  setup.balance[0].at = at;
}

}  // namespace equipoise::test
