// bench/ops/kernel_bench_main.cpp - the kernels' microbenchmarks: measures the ceiling, prints it, runs them.
#include <benchmark/benchmark.h>

#include "bench/ceiling.h"

int main(int argc, char** argv) {
  using namespace equipoise::bench;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("ceiling of one core", describe(ceiling()));
  benchmark::AddCustomContext("share", "least time by that ceiling / time taken");
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
