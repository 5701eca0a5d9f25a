// bench/run/min_norm_bench.cu - microseconds for a min-norm problem on a GPU, alone and 10,000 at once, by CUDA events;
// the solutions must have the CPU's bits.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/run/min_norm_case.h"
#include "kernels/run/cuda_check.cuh"
#include "kernels/run/device.h"

namespace equipoise::bench {

namespace {

constexpr int kWarmUps = 3, kRoundsTogether = 15, kRoundsAlone = 201;

class Event {
 public:
  Event() { EQ_CUDA(cudaEventCreate(&event_)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record() { EQ_CUDA(cudaEventRecord(event_)); }
  double microseconds_since(const Event& start) {
    EQ_CUDA(cudaEventSynchronize(event_));
    float milliseconds = 0;
    EQ_CUDA(cudaEventElapsedTime(&milliseconds, start.event_, event_));
    return 1e3 * milliseconds;
  }

 private:
  cudaEvent_t event_;
};

/// A case whose problems and solutions lie on device 0.
class OnDevice {
 public:
  explicit OnDevice(MinNormCase& k)
      : host_(k),
        gram_(0, bytes(k.gram)),
        weights_(0, bytes(k.weights)),
        values_(0, bytes(k.values)),
        gaps_(0, bytes(k.gaps)) {
    gram_.upload(k.gram.data(), bytes(k.gram));
  }

  /// Microseconds a problem of the launch that solves `problems` from `first` on.
  double solve(int64_t first, int64_t problems) {
    const int tasks = host_.tasks;
    start_.record();
    min_norm_batch_device(
        0, {problems, tasks, gram_.as<const double>() + first * tasks * tasks, weights_.as<double>() + first * tasks,
            values_.as<double>() + first, gaps_.as<double>() + first});
    end_.record();
    return end_.microseconds_since(start_) / static_cast<double>(problems);
  }
  /// Writes NaN over the solutions here and there.
  void forget() {
    host_.forget();
    weights_.upload(host_.weights.data(), bytes(host_.weights));
    values_.upload(host_.values.data(), bytes(host_.values));
    gaps_.upload(host_.gaps.data(), bytes(host_.gaps));
  }
  void fetch() {
    weights_.download(host_.weights.data(), bytes(host_.weights));
    values_.download(host_.values.data(), bytes(host_.values));
    gaps_.download(host_.gaps.data(), bytes(host_.gaps));
  }

 private:
  static size_t bytes(const std::vector<double>& values) { return values.size() * sizeof(double); }

  MinNormCase& host_;
  DeviceMemory gram_, weights_, values_, gaps_;
  Event start_, end_;
};

/// Whether the first `problems` solutions are equal in every bit.
bool equal_bits(const MinNormCase& a, const MinNormCase& b, int64_t problems) {
  const auto same = [](const std::vector<double>& x, const std::vector<double>& y, int64_t count) {
    return std::memcmp(x.data(), y.data(), static_cast<size_t>(count) * sizeof(double)) == 0;
  };
  return same(a.weights, b.weights, problems * a.tasks) && same(a.values, b.values, problems) &&
         same(a.gaps, b.gaps, problems);
}

bool measure(MinNormCase& k) {
  std::printf("%d tasks\n", k.tasks);
  MinNormCase expected = k;
  min_norm_batch_cpu(expected.batch(), static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  OnDevice device(k);
  bool holds = true;
  const auto row = [&](const std::string& name, int64_t problems, int rounds) {
    std::vector<double> microseconds;
    device.forget();
    for (int round = -kWarmUps; round < rounds; ++round) {
      const double taken = device.solve(problems == 1 ? std::max(round, 0) : 0, problems);
      if (round >= 0) microseconds.push_back(taken);
    }
    device.fetch();
    const int64_t solved = problems == 1 ? rounds : problems;
    holds = print_min_norm_row(name, microseconds, k.worst_gap(solved)) && holds;
    if (equal_bits(expected, k, solved)) return;
    std::printf("  these are not the CPU's bits: WRONG\n");
    holds = false;
  };
  row("alone", 1, kRoundsAlone);
  row(std::to_string(kMinNormProblems) + " at once", kMinNormProblems, kRoundsTogether);
  return holds;
}

int run() {
  const DeviceReport report = device_report(false);
  if (report.devices.empty()) {
    std::fprintf(stderr, "min_norm_device_bench: %s\n", report.problem.c_str());
    return 6;
  }
  print_min_norm_title(report.devices[0].name);
  bool holds = true;
  for (const int tasks : kMinNormTasks) {
    MinNormCase k(tasks);
    holds = measure(k) && holds;
  }
  return holds ? 0 : 1;
}

}  // namespace

}  // namespace equipoise::bench

int main() {
  try {
    return equipoise::bench::run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "min_norm_device_bench: %s\n", error.what());
    return 1;
  }
}
