// bench/ops/rmsprop_bench.cpp - RMSProp over one parameter block. Arguments: elements, gradients that meet in it.
#include "bench/ops/gradient_case.h"

namespace equipoise::bench {
namespace {

void rms_prop(benchmark::State& state) {
  OperationBench bench(1);
  const int count = static_cast<int>(state.range(0));
  const GradientBlock block = gradient_block(bench, count, static_cast<int>(state.range(1)));
  const Place parameter = bench.floats(count), moment1 = bench.zeros(count), moment2 = bench.zeros(count);
  bench.run(state, RmsProp{block, parameter, moment1, moment2});
}

BENCHMARK(rms_prop)->Apply(gradient_shapes);

}  // namespace
}  // namespace equipoise::bench
