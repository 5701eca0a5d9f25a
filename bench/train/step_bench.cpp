// bench/train/step_bench.cpp - one MLDRL training step on one core: its time, its share of the fma peak, and where time
// goes.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/ceiling.h"
#include "bench/ops/line_aligned.h"
#include "bench/ops/operation_cost.h"
#include "bench/run/spread.h"
#include "bench/train/mldrl_case.h"
#include "engine/lower/program_code.h"
#include "engine/run/cpu_interpreter.h"
#include "engine/run/launch_data.h"
#include "engine/systems/mldrl/mldrl_system.h"

namespace equipoise::bench {
namespace {

struct Options {
  int repetitions = 40, steps = 50, batch = 32;
  bool json = false;
};

struct KindTime {
  std::string kind;
  int calls = 0;
  double seconds = 0;
  Cost cost;
};

/// Milliseconds of a step, once per repetition of `steps` steps that return to the host at their end only.
Spread time_steps(const Options& options) {
  const auto executor = make_cpu_executor(1);
  MldrlCase mldrl(*executor, 1, options.batch);
  mldrl.run(*executor, 200);
  std::vector<double> milliseconds;
  for (int i = 0; i < options.repetitions; ++i)
    milliseconds.push_back(1e3 / options.steps * seconds([&] { mldrl.run(*executor, options.steps); }));
  return spread(milliseconds);
}

/// The program's operations one by one, each timed alone: median over many steps, less what reading the clock takes.
std::vector<KindTime> time_operations(const Options& options) {
  constexpr int kSteps = 1000;
  const auto executor = make_cpu_executor(1);
  MldrlCase mldrl(*executor, 1, options.batch);
  const Program& program = mldrl.program;
  std::vector<float> state(static_cast<std::size_t>(program.state_floats));
  executor->store_state(state);
  const ProgramRun run{program, mldrl.settings, mldrl.controls, {1, false}};
  const std::vector<SourceSet> sets = source_sets(mldrl.tables);
  Launch launch = launch_of({&run, 1});
  place_on_host(launch, {&run, 1}, sets, mldrl.tables);

  LineAlignedFloats fast(static_cast<std::size_t>(program.fast_floats)),
      work(static_cast<std::size_t>(program.work_floats));
  Context c{{fast.data(), work.data(), state.data()},
            mldrl.controls.data(),
            mldrl.settings.data(),
            &launch.programs[0].data,
            launch.chains,
            0,
            0,
            options.batch,
            0,
            true};
  std::vector<std::vector<double>> taken(program.code->operations.size());
  std::vector<double> empty;
  for (int step = 0; step < kSteps; ++step) {
    c.n = std::min(options.batch, MldrlCase::kRows - c.control->position);
    const bool whole = c.n == options.batch;
    for (const Phase phase : program.code->phases)
      for (int o = phase.first; o < phase.end; ++o) {
        const double time = seconds([&] { run_phase(SerialTeam{}, c, program.code->operations.data(), {o, o + 1}); });
        if (whole) taken[static_cast<std::size_t>(o)].push_back(time);
      }
    empty.push_back(seconds([] {}));
  }

  std::vector<KindTime> kinds;
  for (std::size_t o = 0; o < taken.size(); ++o) {
    const std::string kind = operation_name(program.code->operations[o].kind);
    auto entry = std::find_if(kinds.begin(), kinds.end(), [&](const KindTime& k) { return k.kind == kind; });
    if (entry == kinds.end()) entry = kinds.insert(kinds.end(), KindTime{kind, 0, 0, {}});
    ++entry->calls;
    entry->seconds += std::max(0.0, spread(taken[o]).median - spread(empty).median);
    entry->cost = entry->cost + cost(program.code->operations[o], options.batch);
  }
  std::sort(kinds.begin(), kinds.end(), [](const KindTime& a, const KindTime& b) { return a.seconds > b.seconds; });
  return kinds;
}

/// Of the multiply-adds in matrix products, and of everything counted.
struct Work {
  double products = 0, all = 0;
};
Work work_of(const std::vector<KindTime>& kinds) {
  Work work;
  for (const KindTime& k : kinds) {
    work.all += k.cost.flops;
    if (k.kind.rfind("linear", 0) == 0) work.products += k.cost.flops;
  }
  return work;
}

void print_json(const Options& options, const Spread& step, const std::vector<KindTime>& kinds) {
  const Work work = work_of(kinds);
  nlohmann::ordered_json out{{"device", "cpu, 1 thread"},
                             {"batch", options.batch},
                             {"repetitions", options.repetitions},
                             {"steps_per_repetition", options.steps},
                             {"median_ms", step.median},
                             {"quartiles_ms", {step.first_quartile, step.third_quartile}},
                             {"min_ms", step.smallest},
                             {"max_ms", step.largest},
                             {"product_flops", work.products},
                             {"flops", work.all},
                             {"fma_peak", ceiling().flops},
                             {"copy_bytes_per_second", ceiling().copy},
                             {"share_of_fma_peak", work.products / ceiling().flops / (1e-3 * step.median)}};
  for (const KindTime& k : kinds)
    out["operations"].push_back({{"kind", k.kind},
                                 {"calls", k.calls},
                                 {"microseconds", 1e6 * k.seconds},
                                 {"flops", k.cost.flops},
                                 {"bytes", k.cost.bytes}});
  fmt::print("{}\n", out.dump());
}

void print_table(const Options& options, const Spread& step, const std::vector<KindTime>& kinds) {
  const Work work = work_of(kinds);
  double alone = 0;
  for (const KindTime& k : kinds) alone += k.seconds;
  fmt::print("One core: {}\n\n", describe(ceiling()));
  fmt::print("{:<28} {:>5} {:>9} {:>9} {:>9} {:>7}\n", "operation", "calls", "us", "kflop", "Gflop/s", "share");
  for (const KindTime& k : kinds) {
    const double floor = ceiling().floor(k.cost.flops, k.cost.bytes);
    fmt::print("{:<28} {:>5} {:>9.2f} {:>9.1f} {:>9.1f} {:>7.2f}\n", k.kind, k.calls, 1e6 * k.seconds,
               1e-3 * k.cost.flops, k.seconds > 0 ? 1e-9 * k.cost.flops / k.seconds : 0.0,
               k.seconds > 0 ? floor / k.seconds : 0.0);
  }
  fmt::print("{:<28} {:>5} {:>9.2f} {:>9.1f}\n\n", "all, each timed alone", "", 1e6 * alone, 1e-3 * work.all);
  fmt::print(
      "MLDRL step, one thread, batch {}: median {:.4f} ms, quartiles {:.4f} to {:.4f} ms, {} repetitions of {} steps; "
      "{:.2f} Mflop in matrix products, {:.0f} % of the fma peak\n",
      options.batch, step.median, step.first_quartile, step.third_quartile, options.repetitions, options.steps,
      1e-6 * work.products, 100 * work.products / ceiling().flops / (1e-3 * step.median));
}

}  // namespace
}  // namespace equipoise::bench

int main(int argc, char** argv) {
  using namespace equipoise::bench;
  Options options;
  CLI::App app{"One MLDRL training step (81 + 81 features, hidden 32, latent 10, three tasks, GradNorm) on one core."};
  app.add_option("--repetitions", options.repetitions, "timed runs")
      ->check(CLI::Range(30, 1000000))
      ->capture_default_str();
  app.add_option("--steps", options.steps, "steps of a run")->check(CLI::Range(1, 1000000))->capture_default_str();
  app.add_option("--batch", options.batch, "rows of a batch")->check(CLI::Range(1, 320))->capture_default_str();
  app.add_flag("--json", options.json, "print one JSON object");
  CLI11_PARSE(app, argc, argv);
  const Spread step = time_steps(options);
  const std::vector<KindTime> kinds = time_operations(options);
  if (options.json) print_json(options, step, kinds);
  else print_table(options, step, kinds);
  return 0;
}
