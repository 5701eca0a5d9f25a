// bench/ops/adversarial_bench.cpp - a discriminator's loss with its gradient. Argument: rows.
#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

void adversarial(benchmark::State& state) {
  OperationBench bench(static_cast<int>(state.range(0)));
  Adversarial op{};
  op.x = bench.matrix(1, 1);
  op.dx = bench.matrix(1, 1);
  op.slots = bench.doubles(int64_t{bench.batch()} * kRowLanes);
  op.offset = 1e-3f;
  op.task = -1;
  op.has_gradient = true;
  bench.run(state, op);
}

BENCHMARK(adversarial)->Arg(64)->Arg(512)->ArgName("rows");

}  // namespace
}  // namespace equipoise::bench
