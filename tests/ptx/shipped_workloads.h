// tests/ptx/shipped_workloads.h - short runs of the shipped kernels that reach all their barriers.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "engine/balance/methods.h"
#include "engine/run/device_programs.h"
#include "kernels/program/launch.h"
#include "kernels/program/operation.h"
#include "kernels/run/device.h"
#include "kernels/run/gram_batch_launch.h"
#include "kernels/run/interpreter_launch.h"
#include "kernels/run/min_norm_batch.h"
#include "tests/cuda/problem.h"
#include "tests/engine/train/member_cases.h"
#include "tests/ptx/gpu.h"

namespace equipoise::ptx::test {

struct Workload {
  std::string name;
  std::function<void()> run;
};

/// Three steps of MLDRL under a balancing method.
inline void train_shortly(const std::vector<std::string>& methods, const std::string& over = "heads",
                          const std::string& at = "parameters") {
  equipoise::test::Problem p = equipoise::test::make_problem("paper", 24, 12, 9);
  const MethodList list = parse_methods(methods, "test");
  p.setup.balance = {{.methods = list.methods, .over = over, .at = at}};
  const auto device = make_cuda_executor(0);
  equipoise::test::train(*device, p, 1, 12, {3, false});
}

/// An evaluation that meets a row of NaN.
inline void evaluate_spoiled() {
  equipoise::test::Problem p = equipoise::test::make_problem("paper", 24, 12, 9);
  p.tables.sources[0].values[5 * 12 + 3] = std::numeric_limits<float>::quiet_NaN();
  const auto device = make_cuda_executor(0);
  const Program program =
      lower(p.setup.system->graph(Pass::evaluate), evaluation_options(p.setup, 12, device->plan_limits()));
  equipoise::test::Replicas r = equipoise::test::make_replicas(p, program, 1);
  Emitted emitted;
  emitted.rows = 24;
  device->load_tables(p.tables);
  device->load_state(r.state, program.state_floats);
  device->run(program, r.settings, r.controls, {3, true}, &emitted);
}

/// Two epochs of a member that is judged by the AUC of three classes.
inline void train_by_epochs() {
  equipoise::test::MemberCase c = equipoise::test::members_of_three_classes("paper");
  c.members = {c.members[3]};
  c.members[0].plan.epochs = 2;
  const auto device = make_cuda_executor(0);
  Trainer(c.members, *device).advance_epochs(1000);
}

/// Two of a VAE-GAN, whose error has more entries than are summed at a time.
inline void train_by_errors() {
  equipoise::Setup setup = equipoise::test::synthetic_vaegan();
  of_kind<VaeganSystem>(*setup.system).model.features = 60;
  equipoise::test::MemberCase c = equipoise::test::different_members(setup);
  *c.splits[3] = equipoise::test::strided_split(53, 3, 5, 48, 0);
  c.members = {c.members[3]};
  if (48 * c.data[2]->features[0] <= kSquares) throw std::logic_error("the error has too few entries");
  c.members[0].plan.epochs = 2;
  const auto device = make_cuda_executor(0);
  Trainer(c.members, *device).advance_epochs(1000);
}

/// Gradients of falling size, no two alike.
inline std::vector<double> gram_of(int problems, int tasks) {
  std::vector<double> all;
  for (int r = 0; r < problems; ++r)
    for (int i = 0; i < tasks; ++i)
      for (int j = 0; j < tasks; ++j)
        all.push_back((i == j ? 1.0 + i : 0.4 * ((i + j + r) % 3) - 0.3) * (1.0 + 0.1 * i) * (1.0 + 0.1 * j));
  return all;
}
inline void solve_min_norm(int problems, int tasks) {
  const std::vector<double> gram = gram_of(problems, tasks);
  DeviceMemory matrices(0, gram.size() * sizeof(double)),
      weights(0, static_cast<std::size_t>(problems * tasks) * sizeof(double)),
      values(0, static_cast<std::size_t>(problems) * sizeof(double)), gaps(0, values.bytes());
  matrices.upload(gram.data(), matrices.bytes());
  min_norm_batch_device(
      0, {problems, tasks, matrices.as<double>(), weights.as<double>(), values.as<double>(), gaps.as<double>()});
}
inline void make_gram(int64_t replicas, int tasks, int64_t columns) {
  const std::vector<float> gradients(static_cast<std::size_t>(replicas * tasks * columns), 0.5f);
  GramBatch batch{replicas, columns, tasks, columns, nullptr, nullptr};
  DeviceMemory from(0, gradients.size() * sizeof(float)),
      gram(0, static_cast<std::size_t>(replicas * tasks * tasks) * sizeof(double)),
      partials(0, static_cast<std::size_t>(gram_scratch(batch)) * sizeof(double));
  from.upload(gradients.data(), from.bytes());
  batch.gradients = from.as<float>();
  batch.gram = gram.as<double>();
  gram_batch_device(0, batch, partials.as<double>());
}

/// A chain on a Gram matrix of its own, which training would not meet.
struct ChainProblem {
  std::vector<std::string> methods;
  int tasks;
  std::vector<double> gram;  ///< [K, K]
  bool rescale = false, private_weights = false;
};
/// A program of balancing alone, whose first phase reads what has just been copied in: the methods' state is resident.
inline void balance_alone(const ChainProblem& p) {
  const auto doubles = [](int count) { return static_cast<int32_t>(2 * count); };  // in floats
  Chain chain = make_chain(parse_methods(p.methods, "test").methods, p.tasks);
  chain.rescale = p.rescale;
  chain.private_weights = p.private_weights;
  int32_t end = 0;
  const auto place = [&](int count) {
    const Place at{end, equipoise::Space::fast};
    end += doubles(count);
    return at;
  };
  const Place state = place(chain.state), next = place(chain.state + p.tasks), mixing = place(p.tasks * p.tasks),
              scratch = place(Balance::balance_scratch(p.tasks));
  std::vector<Operation> operations = {operation(Balance{state, next, mixing, scratch, 0, false}),
                                       operation(CommitBalance{state, next, 0})};
  operations[0].turns = 1;
  operations[1].turns = (chain.state + p.tasks + kLanes - 1) / kLanes;
  const std::vector<Phase> phases = {{0, 1}, {1, 2}};
  const std::vector<Resident> residents = {{{0, equipoise::Space::state}, state, doubles(chain.state)}};
  Settings settings;
  settings.rows = 1;
  for (double& w : settings.initial_weights) w = 1.0;
  Control control{};
  control.finite = 1;
  std::copy(p.gram.begin(), p.gram.end(), control.gram);
  for (int i = 0; i < p.tasks; ++i) {
    control.present[i] = 1;
    control.losses[i] = 1.0 + 0.5 * i;
  }
  const auto on_device = [](const auto& values) { return uploaded(0, values); };
  const DeviceMemory code = on_device(operations), cut = on_device(phases), copied = on_device(residents),
                     told = on_device(std::vector<Settings>{settings}), kept = on_device(std::vector<Control>{control}),
                     zeros = on_device(std::vector<double>(static_cast<std::size_t>(chain.state) + 1)),
                     work = on_device(std::vector<float>(1));
  Launch launch{};
  LaunchProgram& program = launch.programs[0];
  program.operations = code.as<Operation>();
  program.phases = cut.as<Phase>();
  program.settings = told.as<Settings>();
  program.controls = kept.as<Control>();
  program.phase_count = static_cast<int32_t>(phases.size());
  program.batch = program.steps = 1;
  launch.residents = copied.as<Resident>();
  launch.chains[0] = chain;
  launch.state = zeros.as<float>();
  launch.work = work.as<float>();
  launch.state_floats = doubles(chain.state + 1);
  launch.work_floats = 1;
  launch.program_count = launch.resident_count = launch.replicas = 1;
  launch_program(0, launch, end, 64);
}

inline std::vector<Workload> workloads() {
  std::vector<Workload> all;
  const auto chain = [&](const std::string& name, const ChainProblem& p) {
    all.push_back({name, [p] { balance_alone(p); }});
  };
  for (int tasks : {2, 3, 7}) {
    const std::string of = " of " + std::to_string(tasks);
    for (const char* method : {"mgda", "pcgrad", "gradvac", "cagrad", "imtl_g", "nsgd", "upgrad", "dualproj",
                               "aligned_mtl", "nash_mtl", "fairgrad", "config"})
      chain(method + of, {{method}, tasks, gram_of(1, tasks)});
    chain("two mixing methods" + of, {{"gradvac", "pcgrad"}, tasks, gram_of(1, tasks)});
    chain("a rescaled step" + of, {{"famo", "mgda"}, tasks, gram_of(1, tasks), true, true});
  }
  // Its first try of t cancels the second gradient, -1/2 of the first.
  chain("cagrad of opposites", {{"cagrad:c=0.5"}, 2, {1.0, -0.5, -0.5, 0.25}});
  for (const std::string& name : method_names()) all.push_back({name, [name] { train_shortly({name}); }});
  all.push_back({"graddrop at the latents", [] { train_shortly({"graddrop"}, "heads", "latent"); }});
  all.push_back({"two methods", [] { train_shortly({"gradnorm", "mgda:normalise=l2"}); }});
  all.push_back({"GradNorm's weights in the loss", [] { train_shortly({"gradnorm:renormalise=in_loss"}); }});
  all.push_back({"two methods that weigh", [] { train_shortly({"gradnorm", "uw"}); }});
  all.push_back({"an evaluation of NaN", evaluate_spoiled});
  all.push_back({"epochs", train_by_epochs});
  all.push_back({"epochs of a VAE-GAN", train_by_errors});
  for (int tasks : {2, 3, 5, 8, 32})
    all.push_back({"min-norm of " + std::to_string(tasks), [tasks] { solve_min_norm(3, tasks); }});
  for (int tasks : {2, 8, 12})
    all.push_back({"Gram of " + std::to_string(tasks), [tasks] { make_gram(1, tasks, 70000); }});
  return all;
}

}  // namespace equipoise::ptx::test
