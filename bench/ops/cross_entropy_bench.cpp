// bench/ops/cross_entropy_bench.cpp - softmax cross-entropy with its gradient. Arguments: rows, classes.
#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

void cross_entropy(benchmark::State& state) {
  const int classes = static_cast<int>(state.range(1));
  OperationBench bench(static_cast<int>(state.range(0)));
  CrossEntropy op{};
  op.x = bench.matrix(1, classes);
  op.dx = bench.matrix(1, classes);
  op.labels = bench.zeros(bench.batch());
  op.slots = bench.doubles(bench.batch());
  op.scale = 1.0f;
  op.task = -1;
  op.has_gradient = true;
  const std::vector<float> class_weights(static_cast<std::size_t>(classes), 1.0f);
  bench.data().class_weights = class_weights.data();
  int32_t* labels = bench.context().ints(op.labels);
  for (int r = 0; r < bench.batch(); ++r) labels[r] = r % classes;
  bench.run(state, op);
}

BENCHMARK(cross_entropy)->Args({32, 2})->Args({512, 10})->Args({512, 256})->ArgNames({"rows", "classes"});

}  // namespace
}  // namespace equipoise::bench
