// bench/train/population_bench.cpp - replica-steps per second of MLDRL populations, all replicas at once: steps of one
// program alone, and whole epochs of a trainer that validates each replica after each and keeps its best.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "bench/ceiling.h"
#include "bench/run/spread.h"
#include "bench/train/mldrl_case.h"
#include "engine/base/error.h"
#include "engine/train/trainer.h"

namespace equipoise::bench {
namespace {

struct Options {
  std::string device = "cpu";
  int threads = 0, repetitions = 7;
  double seconds = 0.25;
  std::vector<int> replicas = {1, 8, 64, 512, 4096};
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

/// Members that differ in their seeds: the population's rows, and a quarter as many to validate on.
struct ValidatedCase {
  static constexpr int kValidation = MldrlCase::kRows / 4;

  Dataset data;
  Split split;
  std::vector<Member> members;

  explicit ValidatedCase(int replicas) {
    data.rows = MldrlCase::kRows + kValidation;
    data.classes = 2;
    data.features = {MldrlCase::kFeatures, MldrlCase::kFeatures};
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (const int features : data.features)
      for (std::vector<float>& view = data.views.emplace_back(); view.size() < std::size_t(data.rows * features);)
        view.push_back(normal(random));
    for (int row = 0; row < data.rows; ++row) {
      data.label.push_back(row % 2);
      (row < MldrlCase::kRows ? split.train : split.validation).push_back(row);
    }
    TrainingPlan plan;
    plan.setup = mldrl_setup("paper");
    plan.setup.system->take_sizes(data, plan.setup);
    plan.epochs = 1 << 30;
    plan.patience = 0;
    plan.class_weights = {1.0f, 1.0f};
    for (int r = 0; r < replicas; ++r) {
      plan.setup.settings.seed = std::uint64_t(r + 1);
      members.push_back({&data, &split, plan});
    }
  }
};

/// Bytes that each replica of a trainer takes: state, best parameters, settings twice and two controls, of training and
/// of validation, rules, standing, and the records of epochs of a run.
std::size_t replica_bytes(Executor& executor) {
  const ValidatedCase validated(1);
  const Trainer trainer(validated.members, executor);
  const Program& p = trainer.program();
  const RecordShape shape = record_shape(p, p);  // validated losses are those of the training
  return static_cast<std::size_t>(p.state_floats + p.moment_stride) * sizeof(float) +
         2 * (sizeof(Settings) + sizeof(Control)) + sizeof(EpochRules) + sizeof(EpochStanding) +
         static_cast<std::size_t>(record_doubles(shape)) * sizeof(double);
}

/// Replica-steps per second of whole epochs with their validation, metrics left out.
Spread time_epochs(const Options& options, Executor& executor, int replicas) {
  const ValidatedCase validated(replicas);
  Trainer trainer(validated.members, executor);
  const int steps = trainer.steps_per_epoch();
  const auto train = [&](int epochs) {
    for (int e = 0; e < epochs; ++e) trainer.advance_without_metrics(steps);
  };
  train(1);
  int epochs = 1;
  double taken = seconds([&] { train(epochs); });
  while (taken < options.seconds / 2 && epochs < (1 << 20)) {
    epochs = static_cast<int>(std::clamp(epochs * options.seconds / taken, 2.0 * epochs, 16.0 * epochs));
    taken = seconds([&] { train(epochs); });
  }
  std::vector<double> rates;
  for (int i = 0; i < options.repetitions; ++i)
    rates.push_back(double(replicas) * steps * epochs / seconds([&] { train(epochs); }));
  return spread(rates);
}

void measure(const Options& options) {
  const std::unique_ptr<Executor> executor =
      options.device == "cuda" ? make_cuda_executor(0) : make_cpu_executor(options.threads);
  const std::size_t bytes = replica_bytes(*executor);
  nlohmann::ordered_json out{
      {"device", executor->name()}, {"repetitions", options.repetitions}, {"replica_bytes", bytes}};
  if (!options.json)
    fmt::print(
        "MLDRL population, {}, batch 32, {} repetitions of about {} s, {:.0f} KiB a replica\n{:>9} {:>16} {:>24} "
        "{:>16} {:>24}\n",
        executor->name(), options.repetitions, options.seconds, double(bytes) / 1024, "replicas", "replica-steps/s",
        "quartiles", "validated", "quartiles");
  for (const int replicas : options.replicas) {
    const Spread rate = time_population(options, *executor, replicas);
    const Spread validated = time_epochs(options, *executor, replicas);
    if (options.json)
      out["populations"].push_back({{"replicas", replicas},
                                    {"replica_steps_per_second", rate.median},
                                    {"quartiles", {rate.first_quartile, rate.third_quartile}},
                                    {"largest", rate.largest},
                                    {"validated_each_epoch",
                                     {{"replica_steps_per_second", validated.median},
                                      {"quartiles", {validated.first_quartile, validated.third_quartile}},
                                      {"largest", validated.largest}}}});
    else
      fmt::print("{:>9} {:>16.0f} {:>12.0f} {:>11.0f} {:>16.0f} {:>12.0f} {:>11.0f}\n", replicas, rate.median,
                 rate.first_quartile, rate.third_quartile, validated.median, validated.first_quartile,
                 validated.third_quartile);
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
