// bench/ops/sum_views_bench.cpp - sums of views: the copies and meetings of gradients. Arguments: rows, cols, summands.
#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

void sum_views(benchmark::State& state) {
  const int cols = static_cast<int>(state.range(1)), summands = static_cast<int>(state.range(2));
  OperationBench bench(static_cast<int>(state.range(0)));
  SumViews op{};
  op.to = bench.matrix(1, cols);
  op.count = summands;
  for (int s = 0; s < summands; ++s) {
    op.from[s] = bench.matrix(1, cols);
    op.coefficient[s] = 0.5f;
    op.task[s] = -1;
  }
  bench.run(state, op);
}

void plain_copy(benchmark::State& state) {
  const int cols = static_cast<int>(state.range(1));
  OperationBench bench(static_cast<int>(state.range(0)));
  SumViews op{};
  op.to = bench.matrix(1, cols);
  op.from[0] = bench.matrix(1, cols);
  op.count = 1;
  const Context c = bench.context();
  time_calls(state, {0, cost(op, bench.batch()).bytes}, [&] {
    for (int r = 0; r < bench.batch(); ++r)
      std::memcpy(c.row(op.to, r), c.row(op.from[0], r), static_cast<std::size_t>(cols) * sizeof(float));
  });
}

void shapes(benchmark::internal::Benchmark* b) {
  for (const int summands : {1, 2, 4})
    for (const auto& [rows, cols] : {std::pair{32, 6}, {64, 10}, {512, 256}}) b->Args({rows, cols, summands});
  b->ArgNames({"rows", "cols", "summands"});
}

BENCHMARK(sum_views)->Name("sum_views")->Apply(shapes);
BENCHMARK(plain_copy)->Name("sum_views, memcpy by row")->Args({64, 10})->Args({512, 256})->ArgNames({"rows", "cols"});

}  // namespace
}  // namespace equipoise::bench
