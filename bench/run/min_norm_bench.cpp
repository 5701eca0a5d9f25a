// bench/run/min_norm_bench.cpp - microseconds for a min-norm problem on a CPU, alone and 10,000 at once; each solution
// is checked. bench/peers/min_norm_scipy.py solves the same problems, which --write keeps.
#include "bench/run/min_norm_case.h"

#include <CLI/CLI.hpp>
#include <fstream>
#include <thread>

#include "bench/ceiling.h"

namespace equipoise::bench {
namespace {

constexpr int kWarmUps = 1, kRounds = 7;
constexpr int64_t kAlone = 1000;  // calls of a round for one problem each

/// Microseconds of each round of `body`, over `problems`.
template <class Body>
std::vector<double> time_rounds(int64_t problems, Body&& body) {
  std::vector<double> microseconds;
  for (int round = -kWarmUps; round < kRounds; ++round) {
    const double taken = seconds(body);
    if (round >= 0) microseconds.push_back(1e6 * taken / static_cast<double>(problems));
  }
  return microseconds;
}

bool measure(MinNormCase& k, int threads) {
  std::printf("%d tasks\n", k.tasks);
  const std::vector<double> alone = time_rounds(kAlone, [&] {
    for (int64_t r = 0; r < kAlone; ++r) min_norm_batch_cpu(k.batch(r, 1), 1);
  });
  bool holds = print_min_norm_row("alone", alone, k.worst_gap(kAlone));
  for (int members = 1; members <= threads; members += std::max(1, threads - 1)) {
    k.forget();
    const std::vector<double> together = time_rounds(kMinNormProblems, [&] { min_norm_batch_cpu(k.batch(), members); });
    holds = print_min_norm_row(std::to_string(kMinNormProblems) + " at once, " + std::to_string(members) +
                                   (members == 1 ? " thread" : " threads"),
                               together, k.worst_gap()) &&
            holds;
  }
  return holds;
}

}  // namespace
}  // namespace equipoise::bench

int main(int argc, char** argv) {
  using namespace equipoise::bench;
  int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::string folder;
  CLI::App app{"Microseconds for a min-norm problem on a CPU, alone and 10,000 at once."};
  app.add_option("--threads", threads, "the most threads")->check(CLI::Range(1, 4096))->capture_default_str();
  app.add_option("--write", folder, "keep the problems there, as gram_K<tasks>.f64: doubles [10000, K, K]")
      ->check(CLI::ExistingDirectory);
  CLI11_PARSE(app, argc, argv);
  print_min_norm_title("CPU");
  bool holds = true;
  for (const int tasks : kMinNormTasks) {
    MinNormCase k(tasks);
    if (!folder.empty()) {
      std::ofstream file(folder + "/gram_K" + std::to_string(tasks) + ".f64", std::ios::binary);
      file.write(reinterpret_cast<const char*>(k.gram.data()),
                 static_cast<std::streamsize>(k.gram.size() * sizeof(double)));
      if (!file.flush()) {
        std::fprintf(stderr, "min_norm_bench: %s cannot be written to\n", folder.c_str());
        return 1;
      }
    }
    holds = measure(k, threads) && holds;
  }
  return holds ? 0 : 1;
}
