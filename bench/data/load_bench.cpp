// bench/data/load_bench.cpp - a table of numbers from its file to the array that a network reads: seconds and memory.
// bench/peers/load_peers.py calls it beside pandas, polars and pyarrow.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <string>

#include "engine/base/error.h"
#include "host/data/cohort.h"
#include "host/data/preprocess.h"

namespace {

using namespace equipoise;

/// A line of this process's status in the system's own account, in bytes: VmHWM is the most memory it has ever held.
size_t memory(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return std::stoul(line.substr(name.size() + 1)) * 1024;
  return 0;
}

Dataset load(const std::string& file, int threads) {
  CohortSpec spec;
  spec.views.emplace_back(file);
  spec.threads = threads;
  const RawCohort cohort = read_cohort(spec);
  std::vector<int> rows(cohort.ids.size());
  std::iota(rows.begin(), rows.end(), 0);
  return apply(cohort, fit_preprocess(cohort, rows));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Prints: table, seconds, peak bytes, threads");
  std::string file;
  int threads = 0, rounds = 1;
  app.add_option("table", file, "a CSV file with the columns id, label and numbers")->required();
  app.add_option("--threads", threads, "that parse; 0 = as many as the machine has, four at most");
  app.add_option("--rounds", rounds, "the memory of later ones tells nothing new")->check(CLI::Range(1, 100));
  CLI11_PARSE(app, argc, argv);
  try {
    for (int round = 0; round < rounds; ++round) {
      const auto start = std::chrono::steady_clock::now();
      const Dataset data = load(file, threads);
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      fmt::print("{} {:.3f} {} {}\n", file, seconds, memory("VmHWM"), threads);
      std::fflush(stdout);
    }
  } catch (const Error& refused) {
    fmt::print(stderr, "load_bench: {}\n", refused.what());
    return static_cast<int>(refused.code());
  }
}
