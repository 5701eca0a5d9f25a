// bench/train/population_bench.cpp - replica-steps per second of MLDRL populations: replicas of one program, all at
// once.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/ceiling.h"
#include "bench/run/spread.h"
#include "bench/train/mldrl_case.h"
#include "engine/base/error.h"
#include "engine/systems/mldrl/mldrl_system.h"

namespace equipoise::bench {
namespace {

struct Options {
  std::string device = "cpu";
  int threads = 0, repetitions = 7;
  double seconds = 0.25;
  std::vector<int> replicas = {1, 8, 64, 512};
  bool json = false;
};

/// Replica-steps per second, once per repetition of about options.seconds.
Spread time_population(const Options& options, Executor& executor, int replicas) {
  MldrlCase mldrl(executor, replicas);
  mldrl.run(executor, 1);
  int steps = 1;
  double taken = seconds([&] { mldrl.run(executor, steps); });
  while (taken < options.seconds / 2 && steps < (1 << 24)) {
    steps = static_cast<int>(std::clamp(steps * options.seconds / taken, 2.0 * steps, 16.0 * steps));
    taken = seconds([&] { mldrl.run(executor, steps); });
  }
  std::vector<double> rates;
  for (int i = 0; i < options.repetitions; ++i)
    rates.push_back(double(replicas) * steps / seconds([&] { mldrl.run(executor, steps); }));
  return spread(rates);
}

void measure(const Options& options) {
  const std::unique_ptr<Executor> executor =
      options.device == "cuda" ? make_cuda_executor(0) : make_cpu_executor(options.threads);
  nlohmann::ordered_json out{{"device", executor->name()}, {"repetitions", options.repetitions}};
  if (!options.json)
    fmt::print("MLDRL population, {}, batch 32, {} repetitions of about {} s\n{:>9} {:>16} {:>24}\n", executor->name(),
               options.repetitions, options.seconds, "replicas", "replica-steps/s", "quartiles");
  for (const int replicas : options.replicas) {
    const Spread rate = time_population(options, *executor, replicas);
    if (options.json)
      out["populations"].push_back({{"replicas", replicas},
                                    {"replica_steps_per_second", rate.median},
                                    {"quartiles", {rate.first_quartile, rate.third_quartile}},
                                    {"largest", rate.largest}});
    else
      fmt::print("{:>9} {:>16.0f} {:>12.0f} {:>11.0f}\n", replicas, rate.median, rate.first_quartile,
                 rate.third_quartile);
  }
  if (options.json) fmt::print("{}\n", out.dump());
}

}  // namespace
}  // namespace equipoise::bench

int main(int argc, char** argv) {
  using namespace equipoise::bench;
  Options options;
  CLI::App app{"Replica-steps per second of populations of the published MLDRL model."};
  app.add_option("--device", options.device, "cpu or cuda")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads, 0 for all")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--replicas", options.replicas, "sizes of population")->check(CLI::Range(1, 1 << 20));
  app.add_option("--repetitions", options.repetitions, "timed runs")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "length of a run")
      ->check(CLI::Range(0.001, 600.0))
      ->capture_default_str();
  app.add_flag("--json", options.json, "print one JSON object");
  CLI11_PARSE(app, argc, argv);
  try {
    measure(options);
  } catch (const equipoise::Error& error) {
    fmt::print(stderr, "population_bench: {}\n", error.what());
    return static_cast<int>(error.code());
  }
  return 0;
}
