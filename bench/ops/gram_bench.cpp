// bench/ops/gram_bench.cpp - inner products of K task gradients, beside a plain loop and a copy. Arguments: K,
// elements.
#include <cstring>

#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

GramSlots gram_of(OperationBench& bench, int tasks, int count) {
  GramSlots op{};
  op.gradient = bench.floats(int64_t{tasks} * count);
  op.lane_stride = count;
  for (int k = 0; k < tasks; ++k) op.lane_of_task[k] = static_cast<int8_t>(k);
  op.tasks = tasks;
  op.count = count;
  op.fold = 1;
  op.slots_per_pair = flat_slots(count);
  op.slots = bench.doubles(int64_t{gram_pairs(tasks)} * op.slots_per_pair);
  return op;
}

void gram(benchmark::State& state) {
  OperationBench bench(1);
  bench.run(state, gram_of(bench, static_cast<int>(state.range(0)), static_cast<int>(state.range(1))));
}

void plain_double(benchmark::State& state) {
  OperationBench bench(1);
  const GramSlots op = gram_of(bench, static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  const Context c = bench.context();
  const float* g = c.floats(op.gradient);
  std::vector<double> inner(static_cast<std::size_t>(gram_pairs(op.tasks)));
  time_calls(state, cost(op, 1), [&] {
    for (int q = 0; q < gram_pairs(op.tasks); ++q) {
      const Pair pair = gram_pair(op.tasks, q);
      double sum = 0;
      for (int e = 0; e < op.count; ++e)
        sum += double{g[pair.i * op.lane_stride + e]} * double{g[pair.j * op.lane_stride + e]};
      inner[static_cast<std::size_t>(q)] = sum;
    }
    benchmark::DoNotOptimize(inner.data());
  });
}

/// As many bytes as the Gram matrix reads, read once and written once.
void copy(benchmark::State& state) {
  OperationBench bench(1);
  const int64_t floats = state.range(0) * state.range(1);
  const Place from = bench.floats(floats), to = bench.floats(floats);
  const Context c = bench.context();
  time_calls(state, {0, 8.0 * static_cast<double>(floats)},
             [&] { std::memcpy(c.floats(to), c.floats(from), static_cast<std::size_t>(floats) * sizeof(float)); });
}

// 720: the published model's latent heads, 20 rows of 36.
void shapes(benchmark::internal::Benchmark* b) {
  b->Args({3, 720})->Args({3, 65536})->Args({8, 65536})->Args({3, 8 << 20})->ArgNames({"tasks", "elements"});
}

BENCHMARK(gram)->Apply(shapes);
BENCHMARK(plain_double)->Name("gram, plain double loop")->Apply(shapes);
BENCHMARK(copy)->Name("gram, memcpy of the gradients")->Apply(shapes);

}  // namespace
}  // namespace equipoise::bench
