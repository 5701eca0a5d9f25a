// bench/kernel_bench_main.cpp - the kernels' microbenchmarks: measures the ceiling, prints it, runs them.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>

#include "bench/ceiling.h"

namespace {

std::string giga(double per_second, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f G%s/s", 1e-9 * per_second, unit);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace equipoise::bench;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const Ceiling& c = ceiling();
  benchmark::AddCustomContext("fma peak, one core", giga(c.flops, "flop"));
  benchmark::AddCustomContext("copy of 16 KiB, read + written", giga(c.first, "B"));
  benchmark::AddCustomContext("copy of 256 KiB", giga(c.second, "B"));
  benchmark::AddCustomContext("copy of 128 MiB", giga(c.memory, "B"));
  benchmark::AddCustomContext("share", "least time by these ceilings / time taken");
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
