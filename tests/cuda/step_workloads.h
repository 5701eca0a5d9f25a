// tests/cuda/step_workloads.h - the training steps whose clocks are modelled (tests/ptx/model) and, phase by phase,
// measured (phase_clocks.cpp): one replica each.
#pragma once

#include <string>
#include <vector>

#include "engine/run/cuda_executor.h"
#include "kernels/run/interpreter_launch.h"
#include "tests/cuda/problem.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {

struct StepWorkload {
  std::string name;
  Problem problem;
  int batch;
};

/// An epoch has four steps.
inline std::vector<StepWorkload> step_workloads() {
  constexpr int kBatch = 32, kRows = 4 * kBatch;
  const auto mldrl = [](const std::string& name, int features) {
    return StepWorkload{name, make_problem("paper", kRows, features, features), kBatch};
  };
  const auto synthetic = [](const std::string& name, const Setup& setup) {
    const SyntheticSystem s = synthetic_system(setup, kBatch, kRows);
    return StepWorkload{
        name, {s.plan.setup, tables_of(*s.plan.setup.system, s.data, s.split, s.plan.class_weights)}, kBatch};
  };
  return {mldrl("MLDRL step, 81 + 81 columns, batch 32, GradNorm", 81),
          mldrl("MLDRL step, 12 + 12 columns (pbcseq), batch 32, GradNorm", 12),
          synthetic("towers step, 4 tasks, batch 32", synthetic_towers()),
          synthetic("trunk step, 10 tasks, batch 32", synthetic_trunk()),
          synthetic("VAE-GAN step, batch 32", synthetic_vaegan())};
}

/// Blocks as large as they come, however few replicas there are, and as few launches however slow the device is: the
/// first step of a launch takes some clocks more than others.
inline CudaOptions full_blocks() {
  CudaOptions options;
  options.threads = kBlockThreads;
  options.launch_seconds = 1000;
  return options;
}

inline Program lowered(const StepWorkload& w, const Executor& executor) {
  const Setup& setup = w.problem.setup;
  return lower(setup.system->graph(Pass::train), training_options(setup, w.batch, executor.plan_limits()));
}

}  // namespace equipoise::test
