// tests/ptx/model/gpu_model.cpp - what the compiled kernels cost by the model of clocks.h, as a page:
//   gpu_model                 prints the page
//   gpu_model --phases        prints a line for each step: its name and the clocks of its phases, apart by tabs
//   gpu_model --check PAGE    ends with 1 where a figure of the page and the kernels disagree by more than 5 %
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "engine/lower/program_code.h"
#include "kernels/program/launch.h"
#include "tests/cuda/step_workloads.h"
#include "tests/ptx/model/clocks.h"
#include "tests/ptx/shipped_workloads.h"

namespace equipoise::ptx {
namespace {

struct Figure {
  std::string name;
  double clocks = 0;
  std::vector<PhaseClocks> phases;
  int threads = 0;
  int64_t shared_bytes = 0;
};

double sum_of(const std::vector<PhaseClocks>& phases) {
  double sum = 0;
  for (const PhaseClocks& p : phases) sum += p.clocks();
  return sum;
}
double sum_in_order(const std::vector<PhaseClocks>& phases) {
  double sum = 0;
  for (const PhaseClocks& p : phases) sum += p.clocks_in_order();
  return sum;
}

/// The phases of the last of three steps, by the device executor's own launches of a module's kernel.
template <class Train>
Figure step(const std::string& name, const Module& module, std::size_t phase_count, Train&& train) {
  Figure f{.name = name, .phases = {}};
  ClockModel model(module);
  std::size_t begin = 0;  // of the last step's phases: before a launch's steps residents are copied in
  planted() = [&](const Launch& launch, LaunchShape& shape) {
    f.threads = static_cast<int>(shape.block.x);
    f.shared_bytes = static_cast<int64_t>(shape.dynamic_shared);
    begin = model.phases().size() + 1 + static_cast<std::size_t>(launch.programs[0].steps - 1) * phase_count;
  };
  gpu().observer = &model;
  train();
  gpu().observer = nullptr;
  planted() = nullptr;
  model.finish();
  const auto first = model.phases().begin() + static_cast<std::ptrdiff_t>(begin);
  f.phases.assign(first, first + static_cast<std::ptrdiff_t>(phase_count));
  f.clocks = sum_of(f.phases);
  return f;
}

Figure training(const equipoise::test::StepWorkload& w) {
  const auto device = make_cuda_executor(0, equipoise::test::full_blocks());
  const std::size_t phases = lowered(w, *device).code->phases.size();
  return step(w.name, gpu_module("interpreter"), phases, [&] { train(*device, w.problem, 1, w.batch, {3, false}); });
}

constexpr char kMade[] = ", made kernel";

/// The same by the kernel that is made for the step.
Figure made_training(const equipoise::test::StepWorkload& w) {
  CudaOptions options = equipoise::test::full_blocks();
  options.kernel_mode = KernelMode::generated;
  const auto device = make_cuda_executor(0, options);
  const std::size_t phases = lowered(w, *device).code->phases.size();
  train(*device, w.problem, 1, w.batch, {1, false});  // compiled and loaded
  return step(w.name + kMade, *made_module(), phases, [&] { train(*device, w.problem, 1, w.batch, {3, false}); });
}

/// A launch of its own: all phases of the first block.
template <class Run>
Figure kernel(const std::string& name, const std::string& module, Run&& run) {
  Figure f{.name = name, .phases = {}};
  ClockModel model(gpu_module(module));
  gpu().observer = &model;
  run();
  gpu().observer = nullptr;
  model.finish();
  f.phases = model.phases();
  f.clocks = sum_of(f.phases);
  return f;
}

constexpr int kValidationRows = 47, kEpochSteps = 5;  // as many as those of some 150 rows
constexpr char kEpochEnd[] = "end of an MLDRL epoch, 81 + 81 columns: 47 validation rows, their AUC";

/// What a launch does behind the last step of an epoch: evaluation, monitor, best parameters, record.
Figure epoch_end() {
  constexpr int kBatch = 32, kRows = 4 * kBatch;
  Setup setup = equipoise::test::synthetic_setup();
  mldrl(setup).features = {81, 81};
  equipoise::test::SyntheticSystem s =
      equipoise::test::synthetic_system(setup, kBatch, kRows + kValidationRows - equipoise::test::kSystemValidation);
  s.split = {};
  for (int row = 0; row < kRows + kValidationRows; ++row)
    (row < kRows ? s.split.train : s.split.validation).push_back(row);
  s.plan.monitor = Monitor::auc;
  const auto device = make_cuda_executor(0, equipoise::test::full_blocks());
  Trainer trainer(s.data, s.split, s.plan, *device);
  trainer.advance_without_metrics(1);  // so that the launch of the rest begins no epoch
  Figure f = kernel(kEpochEnd, "interpreter", [&] { trainer.advance_without_metrics(kRows / kBatch - 1); });
  const std::size_t steps = 1 + (kRows / kBatch - 1) * trainer.program().code->phases.size();  // residents come first
  f.phases.erase(f.phases.begin(), f.phases.begin() + static_cast<std::ptrdiff_t>(steps));
  f.clocks = sum_of(f.phases);
  return f;
}

std::vector<Figure> step_figures() {
  std::vector<Figure> all;
  for (const equipoise::test::StepWorkload& w : equipoise::test::step_workloads()) all.push_back(training(w));
  return all;
}

std::vector<Figure> all_figures() {
  std::vector<Figure> all = step_figures();
  for (const equipoise::test::StepWorkload& w : equipoise::test::step_workloads()) all.push_back(made_training(w));
  all.push_back(epoch_end());
  for (int tasks : {2, 4, 8, 16, 32})
    all.push_back(kernel("Gram, K " + std::to_string(tasks) + ", a chunk of 4096 columns", "gram_batch",
                         [&] { test::make_gram(1, tasks, 4096); }));
  for (int tasks : {2, 3, 5, 8, 16, 32})
    all.push_back(
        kernel("min-norm, K " + std::to_string(tasks), "min_norm_batch", [&] { test::solve_min_norm(1, tasks); }));
  return all;
}

std::string whole(double value) { return std::to_string(static_cast<long long>(std::llround(value))); }
std::string with_point(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string of_baseline(const Figure& f) {
  for (const Baseline& before : kBaseline)
    if (f.name == before.name || f.name == std::string(before.name) + kMade)
      return with_point(f.clocks / before.clocks, 3);
  return "";
}

/// The operations that take most of a phase's issue slots.
std::string main_operations(const PhaseClocks& p) {
  std::vector<std::pair<double, std::string>> all;
  double sum = 0;
  for (const auto& [name, o] : p.operations) all.emplace_back(o.issue, name), sum += o.issue;
  std::sort(all.rbegin(), all.rend());
  std::string text;
  for (const auto& [issue, name] : all)
    if (issue >= 0.1 * sum && text.size() < 60)
      text += (text.empty() ? "" : ", ") + name + " " + whole(100 * issue / sum) + " %";
  return text;
}

/// Blocks that a multiprocessor holds of a step's.
struct Occupancy {
  int registers, by_registers, by_shared;
  int blocks() const { return std::max(std::min(by_registers, by_shared), 1); }
};
Occupancy occupancy(const Figure& step) {
  const int registers = std::min(kRegisters / step.threads / 8 * 8, kThreadRegisters);
  return {registers, kRegisters / (registers * step.threads),
          static_cast<int>(kSharedBytes / (step.shared_bytes + 1024))};
}

void print_population(std::ostream& out, const Figure& step, double ends) {
  const Occupancy here = occupancy(step);
  const auto replica_steps = [&](double clocks) {
    return with_point(kMultiprocessors * here.blocks() * kClockGhz * 1e3 / clocks, 2);
  };
  out << "- " << step.name << ": " << step.threads << " threads of up to " << here.registers << " registers and "
      << step.shared_bytes / 1024 << " KB of shared memory, so a multiprocessor holds " << here.blocks() << " block"
      << (here.blocks() > 1 ? "s" : "") << " (" << here.by_registers << " by registers, " << here.by_shared
      << " by shared memory). " << kMultiprocessors << " multiprocessors would do " << replica_steps(step.clocks)
      << " million replica-steps a second (" << replica_steps(sum_in_order(step.phases)) << " in order)";
  if (ends > 0)
    out << "; " << replica_steps(step.clocks + ends / kEpochSteps) << " million where epochs of " << kEpochSteps
        << " steps end as above";
  out << ".\n";
}

void print_step(std::ostream& out, const Figure& step) {
  out << "\n## " << step.name << ", phase by phase\n\n"
      << "| phase | path | in order | issue | shared | lines | sectors | local | waiting | fma | operations "
         "|\n|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (std::size_t p = 0; p < step.phases.size(); ++p) {
    const PhaseClocks& c = step.phases[p];
    out << "| " << p + 1 << " | " << whole(c.path) << " | " << whole(c.ordered_path) << " | " << whole(c.issue) << " | "
        << whole(c.shared) << " | " << whole(c.global) << " | " << whole(c.sectors) << " | " << whole(c.local_accesses)
        << " | " << whole(c.waiting) << " | " << whole(c.fma) << " | " << main_operations(c) << " |\n";
  }
  out << "| sum of the largest, with barriers | **" << whole(step.clocks) << "** | **"
      << whole(sum_in_order(step.phases)) << "** | | | | | | | | |\n";
}

void print_page(std::ostream& out, const std::vector<Figure>& all) {
  out << "# Clocks of the compiled kernels, by a model\n\n"
         "No GPU has run this: `tools/gpu-model` runs the PTX that nvcc makes of the kernels, and NVRTC of those that "
         "are made for\ntheir program, on the machine of tests/ptx and counts, by the table of "
         "tests/ptx/model/costs.h. A phase takes the largest of\nits longest chain of dependent instructions, the "
         "instructions of its busiest scheduler, and its wavefronts of shared\nmemory and lines of the first cache, "
         "and "
      << whole(kBarrierLatency)
      << " clocks for its barrier. In order, the chain is that of a warp that issues its\ninstructions one after "
         "another as the PTX has them; ptxas moves loads forward, so hardware lies between the two. What is\nnot "
         "modelled (instruction fetch, misses of the first cache, spills) makes hardware slower; use the figures as "
         "ratios to each\nother and to the baseline, commit 28a8ddf. A test holds them to 5 % of what the kernels of "
         "this tree give.\n\n"
         "## Figures\n\n| what one multiprocessor does | clocks | in order | us at "
      << kClockGhz << " GHz | of the baseline | floor by fma |\n|---|---|---|---|---|---|\n";
  for (const Figure& f : all) {
    double fma = 0;
    for (const PhaseClocks& p : f.phases) fma += p.fma;
    out << "| " << f.name << " | " << whole(f.clocks) << " | " << whole(sum_in_order(f.phases)) << " | "
        << with_point(f.clocks / kClockGhz / 1e3, 1) << " | " << of_baseline(f) << " | " << whole(fma) << " |\n";
  }
  const auto named = [&](const std::string& name) -> const Figure& {
    return *std::find_if(all.begin(), all.end(), [&](const Figure& f) { return f.name == name; });
  };
  const double ends = named(kEpochEnd).clocks;
  out << "\n## A population\n\n";
  print_population(out, all.front(), ends);
  for (const Figure& f : all)
    if (f.name.ends_with(kMade)) print_population(out, f, 0);
  out << "\n## Phases\n\n"
         "Below, of a phase: its chain, by data flow and in order, its issues, its wavefronts of shared memory, its "
         "lines of the first\ncache, sectors of global memory and accesses of local memory, how long the mean warp "
         "waits at its barrier, its floor by\nfma, and whose instructions they are.\n";
  print_step(out, all.front());
  print_step(out, named(all.front().name + kMade));
}

void print_phases(std::ostream& out, const std::vector<Figure>& steps) {
  for (const Figure& f : steps) {
    out << f.name;
    for (const PhaseClocks& p : f.phases) out << '\t' << whole(p.clocks());
    out << '\n';
  }
}

int check(const std::string& page, const std::vector<Figure>& all) {
  std::ifstream file(page);
  if (!file) throw std::runtime_error("cannot read " + page);
  std::string line;
  std::map<std::string, double> committed;
  while (std::getline(file, line)) {
    const std::size_t end = line.find(" | ");
    if (line.starts_with("| ") && end != std::string::npos)
      committed[line.substr(2, end - 2)] = std::atof(line.c_str() + end + 3);
  }
  int wrong = 0;
  for (const Figure& f : all) {
    const auto known = committed.find(f.name);
    if (known != committed.end() && std::abs(known->second - f.clocks) <= 0.05 * f.clocks) continue;
    ++wrong;
    if (known == committed.end())
      std::cerr << page << " says nothing of " << f.name << ", which takes " << whole(f.clocks) << " clocks\n";
    else
      std::cerr << page << " says that " << f.name << " takes " << whole(known->second) << " clocks; it takes "
                << whole(f.clocks) << "\n";
  }
  if (wrong > 0) std::cerr << "tools/gpu-model writes the page anew\n";
  return wrong > 0 ? 1 : 0;
}

}  // namespace
}  // namespace equipoise::ptx

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool phases = arguments == std::vector<std::string>{"--phases"};
  if (!arguments.empty() && !phases && (arguments.size() != 2 || arguments[0] != "--check")) {
    std::cerr << "usage: gpu_model [--phases | --check PAGE]\n";
    return 2;
  }
  try {
    if (phases) return equipoise::ptx::print_phases(std::cout, equipoise::ptx::step_figures()), 0;
    const auto figures = equipoise::ptx::all_figures();
    if (arguments.empty()) equipoise::ptx::print_page(std::cout, figures);
    else return equipoise::ptx::check(arguments[1], figures);
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  return 0;
}
