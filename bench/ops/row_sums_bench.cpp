// bench/ops/row_sums_bench.cpp - columns summed over the rows of a batch. Arguments: rows of a block, cols.
#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

void row_sums(benchmark::State& state) {
  const int cols = static_cast<int>(state.range(1)), blocks = 3, stride = divide_up(cols, 4) * 4;
  OperationBench bench(static_cast<int>(state.range(0)));
  const View from = bench.matrix(blocks, cols);
  bench.run(state, RowSums{from, bench.zeros(int64_t{blocks} * stride), stride});
}

BENCHMARK(row_sums)->Name("row_sums, three blocks")->Args({32, 20})->Args({512, 256})->ArgNames({"rows", "cols"});

}  // namespace
}  // namespace equipoise::bench
