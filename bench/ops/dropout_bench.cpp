// bench/ops/dropout_bench.cpp - drawing dropout masks, and products with them. Arguments: rows, cols.
#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

void draw_mask(benchmark::State& state) {
  OperationBench bench(static_cast<int>(state.range(0)));
  bench.settings().dropout = 0.5;
  bench.run(state, DrawMask{bench.matrix(1, static_cast<int>(state.range(1))), 0});
}

void multiply(benchmark::State& state) {
  const int cols = static_cast<int>(state.range(1));
  OperationBench bench(static_cast<int>(state.range(0)));
  const Multiply op{bench.matrix(1, cols), bench.matrix(1, cols), bench.matrix(1, cols), false};
  bench.run(state, op);
}

BENCHMARK(draw_mask)->Args({100, 64})->Args({512, 256})->ArgNames({"rows", "cols"});
BENCHMARK(multiply)->Args({100, 64})->Args({512, 256})->ArgNames({"rows", "cols"});

}  // namespace
}  // namespace equipoise::bench
