// tests/cuda/phase_clocks.cpp - what the phases of a training step take on device 0, beside what the model says: prints
// a table for each workload. The interpreter it runs counts clocks (kernels/run/phase_clocks.h); every phase must have
// been visited once a step, and the replica must have the CPU's bits. Exits 1 where that is not so, 2 on wrong
// arguments, 6 without GPU.
//   phase_clocks [--model FILE] [--steps N] [--json]    FILE: what gpu_model --phases printed; N: of a run
#include "kernels/run/phase_clocks.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "bench/run/spread.h"
#include "engine/base/error.h"
#include "engine/lower/program_code.h"
#include "tests/cuda/step_workloads.h"

namespace equipoise::test {
namespace {

constexpr int kRuns = 5;  // timed ones, behind one that is not

struct Measured {
  std::vector<double> clocks;  // of a step, by phase
  bench::Spread microseconds;  // of a step, by the host's watch
};

/// By name of the workload: clocks of its phases.
using Model = std::map<std::string, std::vector<double>>;
Model read_model(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  Model model;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string name, clocks;
    std::getline(words, name, '\t');
    while (std::getline(words, clocks, '\t')) model[name].push_back(std::stod(clocks));
  }
  return model;
}

/// Clocks of a step from the counts of so many steps. Throws unless each phase was visited once in each.
std::vector<double> clocks_of_a_step(std::size_t phases, unsigned long long steps) {
  const std::vector<PhaseClock> counted = phase_clocks(0);
  std::vector<double> clocks;
  for (std::size_t p = 0; p < counted.size(); ++p) {
    if (counted[p].visits != (p < phases ? steps : 0))
      throw std::runtime_error("phase " + std::to_string(p + 1) + " of " + std::to_string(phases) + " was visited " +
                               std::to_string(counted[p].visits) + " times in " + std::to_string(steps) + " steps");
    if (p >= phases) continue;
    if (counted[p].clocks == 0) throw std::runtime_error("phase " + std::to_string(p + 1) + " took no time");
    clocks.push_back(static_cast<double>(counted[p].clocks) / static_cast<double>(steps));
  }
  return clocks;
}

Measured measure(const StepWorkload& w, int steps) {
  const auto device = make_cuda_executor(0, full_blocks());
  const Program program = lowered(w, *device);
  const std::size_t phases = program.code->phases.size();
  if (phases > static_cast<std::size_t>(kClockedPhases))
    throw std::runtime_error("there are " + std::to_string(phases) + " phases, more than are counted");
  Replicas r = make_replicas(w.problem, program, 1);
  device->load_tables(w.problem.tables);
  device->load_state(r.state, program.state_floats);
  const auto run = [&] { device->run(program, r.settings, r.controls, {steps, false}); };
  run();  // afterwards a launch does all steps, by what it knows of their time
  forget_phase_clocks(0);
  std::vector<double> microseconds;
  for (int k = 0; k < kRuns; ++k) {
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    microseconds.push_back(took.count() / steps);
  }
  const Measured m{clocks_of_a_step(phases, static_cast<unsigned long long>(kRuns * steps)),
                   bench::spread(microseconds)};
  device->store_state(r.state);
  const Replicas expected = train(*make_cpu_executor(1), w.problem, 1, w.batch, {(1 + kRuns) * steps, false});
  if (hash(r) != hash(expected)) throw std::runtime_error("the device's bits are not the CPU's");
  return m;
}

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return sum;
}

/// `modelled`: by phase, or empty.
nlohmann::ordered_json show(const std::string& name, int steps, const Measured& m,
                            const std::vector<double>& modelled) {
  if (!modelled.empty() && modelled.size() != m.clocks.size())
    throw std::runtime_error("the model has " + std::to_string(modelled.size()) + " phases, the program " +
                             std::to_string(m.clocks.size()));
  nlohmann::ordered_json phases = nlohmann::ordered_json::array();
  std::printf("%s, %d runs of %d steps\n  %-10s %10s %10s %7s\n", name.c_str(), kRuns, steps, "phase", "modelled",
              "measured", "ratio");
  const auto row = [](const std::string& of, const double* model, double measured) {
    if (model) std::printf("  %-10s %10.0f %10.0f %7.2f\n", of.c_str(), *model, measured, measured / *model);
    else std::printf("  %-10s %10s %10.0f\n", of.c_str(), "", measured);
  };
  for (std::size_t p = 0; p < m.clocks.size(); ++p) {
    row(std::to_string(p + 1), modelled.empty() ? nullptr : &modelled[p], m.clocks[p]);
    phases.push_back({{"measured", m.clocks[p]}});
    if (!modelled.empty()) phases.back()["modelled"] = modelled[p];
  }
  const double measured = sum_of(m.clocks), model = sum_of(modelled);
  row("sum", modelled.empty() ? nullptr : &model, measured);
  std::printf("  %-10s %10.2f us a step (%.2f to %.2f), launches and copies included: %.0f clocks a us\n\n", "wall",
              m.microseconds.median, m.microseconds.first_quartile, m.microseconds.third_quartile,
              measured / m.microseconds.median);
  return {{"name", name},
          {"phases", phases},
          {"us", m.microseconds.median},
          {"quartiles_us", {m.microseconds.first_quartile, m.microseconds.third_quartile}}};
}

}  // namespace
}  // namespace equipoise::test

int main(int argc, char** argv) {
  using namespace equipoise::test;
  Model model;
  int steps = 300;
  bool json = false;
  std::string now;  // the workload at work, for messages
  try {
    for (int i = 1; i < argc; ++i) {
      const std::string option = argv[i];
      if (option == "--json") json = true;
      else if (option == "--model" && i + 1 < argc) model = read_model(argv[++i]);
      else if (option == "--steps" && i + 1 < argc && std::atoi(argv[i + 1]) > 0) steps = std::atoi(argv[++i]);
      else return std::fprintf(stderr, "usage: phase_clocks [--model FILE] [--steps N] [--json]\n"), 2;
    }
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const StepWorkload& w : step_workloads()) {
      now = w.name + ": ";
      const auto modelled = model.find(w.name);
      if (!model.empty() && modelled == model.end()) throw std::runtime_error("the model says nothing of it");
      const std::vector<double> none;
      all.push_back(show(w.name, steps, measure(w, steps), modelled == model.end() ? none : modelled->second));
    }
    if (json) std::printf("%s\n", nlohmann::ordered_json{{"steps", all}}.dump().c_str());
  } catch (const equipoise::Error& e) {
    std::fprintf(stderr, "phase_clocks: %s%s\n", now.c_str(), e.what());
    return static_cast<int>(e.code());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "phase_clocks: %s%s\n", now.c_str(), e.what());
    return 1;
  }
  return 0;
}
