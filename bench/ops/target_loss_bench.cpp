// bench/ops/target_loss_bench.cpp - losses against targets with their gradients. Arguments: rows, cols.
#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

void target_loss(benchmark::State& state, TargetForm form) {
  const int cols = static_cast<int>(state.range(1));
  OperationBench bench(static_cast<int>(state.range(0)));
  TargetLoss op{};
  op.x = bench.matrix(1, cols);
  op.target = bench.matrix(1, cols);
  op.count = bench.doubles(1);
  op.dx = bench.matrix(1, cols);
  op.slots = bench.doubles(int64_t{bench.batch()} * kRowLanes);
  op.form = form;
  op.task = op.first_weight = -1;
  op.has_gradient = true;
  op.sums = true;
  bench.run(state, op);
}

BENCHMARK_CAPTURE(target_loss, squared, TargetForm::squared)
    ->Args({100, 100})
    ->Args({512, 256})
    ->ArgNames({"rows", "cols"});
BENCHMARK_CAPTURE(target_loss, logistic, TargetForm::logistic)
    ->Args({100, 100})
    ->Args({512, 256})
    ->ArgNames({"rows", "cols"});

}  // namespace
}  // namespace equipoise::bench
