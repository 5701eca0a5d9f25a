// bench/ops/gradient_norm_bench.cpp - squares of a block's total gradient. Arguments: elements, gradients that meet in
// it.
#include "bench/ops/gradient_case.h"

namespace equipoise::bench {
namespace {

void gradient_squares(benchmark::State& state) {
  OperationBench bench(1);
  const int count = static_cast<int>(state.range(0));
  const GradientBlock block = gradient_block(bench, count, static_cast<int>(state.range(1)));
  bench.run(state, GradientSquares{block, bench.doubles(flat_slots(count))});
}

BENCHMARK(gradient_squares)->Name("gradient_norm/squares")->Apply(gradient_shapes);

}  // namespace
}  // namespace equipoise::bench
