// bench/ops/squared_error_bench.cpp - squared error of reconstructions with its gradient. Arguments: rows of a block,
// cols.
#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

void squared_error(benchmark::State& state) {
  const int cols = static_cast<int>(state.range(1));
  OperationBench bench(static_cast<int>(state.range(0)));
  SquaredError op{};
  op.y = bench.matrix(2, cols);
  op.target = bench.matrix(1, cols);
  op.dy = bench.matrix(2, cols);
  op.slots = bench.doubles(int64_t{2} * bench.batch() * kRowLanes);
  op.scale = 1.0f;
  op.task = -1;
  op.has_gradient = true;
  bench.run(state, op);
}

BENCHMARK(squared_error)
    ->Name("squared_error, two blocks")
    ->Args({32, 81})
    ->Args({256, 256})
    ->Args({512, 512})
    ->ArgNames({"rows", "cols"});

}  // namespace
}  // namespace equipoise::bench
