// bench/ops/norm_curvature_bench.cpp - second derivatives of target losses along a tangent. Arguments: rows, cols.
#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

void target_curvature(benchmark::State& state) {
  const int cols = static_cast<int>(state.range(1));
  OperationBench bench(static_cast<int>(state.range(0)));
  const View x = bench.matrix(1, cols), target = bench.matrix(1, cols), tangent = bench.matrix(1, cols);
  const TargetCurvature op{x, target, tangent, bench.doubles(1), bench.matrix(1, cols), TargetForm::squared, -1};
  bench.run(state, op);
}

BENCHMARK(target_curvature)->Args({100, 100})->Args({512, 256})->ArgNames({"rows", "cols"});

}  // namespace
}  // namespace equipoise::bench
