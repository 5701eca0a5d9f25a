// bench/ops/sgd_bench.cpp - SGD over one parameter block. Arguments: elements, gradients that meet in it.
#include "bench/ops/gradient_case.h"

namespace equipoise::bench {
namespace {

void sgd(benchmark::State& state) {
  OperationBench bench(1);
  const int count = static_cast<int>(state.range(0));
  const GradientBlock block = gradient_block(bench, count, static_cast<int>(state.range(1)));
  const Place parameter = bench.floats(count), moment1 = bench.zeros(count);
  bench.run(state, Sgd{block, parameter, moment1});
}

BENCHMARK(sgd)->Apply(gradient_shapes);

}  // namespace
}  // namespace equipoise::bench
