// tests/ptx/shipped_workloads.h - short runs of the shipped kernels that reach all their barriers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/balance/methods.h"
#include "kernels/run/gram_batch_launch.h"
#include "kernels/run/min_norm_batch.h"
#include "kernels/run/device.h"
#include "tests/cuda/problem.h"
#include "tests/ptx/gpu.h"

namespace equipoise::ptx::test {

struct Workload {
  std::string name;
  std::function<void()> run;
};

/// Two steps of MLDRL under a balancing method.
inline void train_shortly(const std::vector<std::string>& methods, const std::string& over = "heads", const std::string& at = "parameters") {
  equipoise::test::Problem p = equipoise::test::make_problem("paper", 24, 12, 9);
  const MethodList list = parse_methods(methods, "test");
  p.setup.balance = {{.methods = list.methods, .over = over, .at = at}};
  const auto device = make_cuda_executor(0);
  equipoise::test::train(*device, p, 1, 12, {3, false});
}

/// Gradients of falling size, no two alike.
inline std::vector<double> gram_of(int problems, int tasks) {
  std::vector<double> all;
  for (int r = 0; r < problems; ++r)
    for (int i = 0; i < tasks; ++i)
      for (int j = 0; j < tasks; ++j) all.push_back((i == j ? 1.0 + i : 0.4 * ((i + j + r) % 3) - 0.3) * (1.0 + 0.1 * i) * (1.0 + 0.1 * j));
  return all;
}
inline void solve_min_norm(int problems, int tasks) {
  const std::vector<double> gram = gram_of(problems, tasks);
  DeviceMemory matrices(0, gram.size() * sizeof(double)), weights(0, static_cast<std::size_t>(problems * tasks) * sizeof(double)),
      values(0, static_cast<std::size_t>(problems) * sizeof(double)), gaps(0, values.bytes());
  matrices.upload(gram.data(), matrices.bytes());
  min_norm_batch_device(0, {problems, tasks, matrices.as<double>(), weights.as<double>(), values.as<double>(), gaps.as<double>()});
}
inline void make_gram(int64_t replicas, int tasks, int64_t columns) {
  const std::vector<float> gradients(static_cast<std::size_t>(replicas * tasks * columns), 0.5f);
  GramBatch batch{replicas, columns, tasks, columns, nullptr, nullptr};
  DeviceMemory from(0, gradients.size() * sizeof(float)), gram(0, static_cast<std::size_t>(replicas * tasks * tasks) * sizeof(double)),
      partials(0, static_cast<std::size_t>(gram_scratch(batch)) * sizeof(double));
  from.upload(gradients.data(), from.bytes());
  batch.gradients = from.as<float>();
  batch.gram = gram.as<double>();
  gram_batch_device(0, batch, partials.as<double>());
}

inline std::vector<Workload> workloads() {
  std::vector<Workload> all;
  for (const std::string& name : method_names()) all.push_back({name, [name] { train_shortly({name}); }});
  all.push_back({"graddrop at the latents", [] { train_shortly({"graddrop"}, "heads", "latent"); }});
  all.push_back({"two methods", [] { train_shortly({"gradnorm", "mgda:normalise=l2"}); }});
  for (int tasks : {2, 3, 5, 8, 32}) all.push_back({"min-norm of " + std::to_string(tasks), [tasks] { solve_min_norm(3, tasks); }});
  for (int tasks : {2, 8, 12}) all.push_back({"Gram of " + std::to_string(tasks), [tasks] { make_gram(1, tasks, 70000); }});
  return all;
}

}  // namespace equipoise::ptx::test
