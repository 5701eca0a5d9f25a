// bench/ops/adam_bench.cpp - Adam over one parameter block. Arguments: elements, gradients that meet in it.
#include "bench/ops/gradient_case.h"

namespace equipoise::bench {
namespace {

void adam(benchmark::State& state) {
  OperationBench bench(1);
  const int count = static_cast<int>(state.range(0));
  Adam op{};
  op.block = gradient_block(bench, count, static_cast<int>(state.range(1)));
  op.parameter = bench.floats(count);
  op.moment1 = bench.zeros(count);
  op.moment2 = bench.zeros(count);
  op.factors = bench.floats(kAdamNumbers);
  bench.run(state, op);
}

BENCHMARK(adam)->Apply(gradient_shapes);

}  // namespace
}  // namespace equipoise::bench
