// bench/ops/noise_bench.cpp - standard normal draws. Arguments: rows, cols.
#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

void noise(benchmark::State& state) {
  OperationBench bench(static_cast<int>(state.range(0)));
  const DrawNoise op{bench.matrix(1, static_cast<int>(state.range(1))), 0};
  bench.run(state, op);
  state.SetItemsProcessed(state.iterations() * state.range(0) * state.range(1));
}

BENCHMARK(noise)->Args({64, 10})->Args({512, 32})->Args({512, 256})->ArgNames({"rows", "cols"});

}  // namespace
}  // namespace equipoise::bench
