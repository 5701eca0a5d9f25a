// bench/ops/rows_bench.cpp - the rows of a shuffled batch: choosing them and copying them. Arguments: rows, cols.
#include <numeric>

#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

/// A data set of ten batches, and a batch chosen from it.
struct GatherCase {
  GatherCase(int batch, int cols)
      : bench(batch),
        list(static_cast<std::size_t>(10 * batch)),
        labels(list.size(), 1),
        values(list.size() * cols, 1.0f) {
    std::iota(list.begin(), list.end(), 0);
    bench.data().row_list = list.data();
    bench.source_set().labels = labels.data();
    bench.source_set().sources[0] = {values.data(), cols};
    bench.settings().rows = static_cast<int32_t>(list.size());
    choose = {bench.zeros(batch), bench.zeros(batch)};
  }
  OperationBench bench;
  std::vector<int32_t> list, labels;
  std::vector<float> values;
  ChooseRows choose;
};

void choose_rows(benchmark::State& state) {
  GatherCase g(static_cast<int>(state.range(0)), 1);
  g.bench.run(state, g.choose);
}

void gather(benchmark::State& state) {
  const int cols = static_cast<int>(state.range(1));
  GatherCase g(static_cast<int>(state.range(0)), cols);
  const Gather op{g.choose.rows, 0, g.bench.matrix(1, cols)};
  run_operation(SerialTeam{}, g.bench.context(), g.choose, 0);
  g.bench.run(state, op);
}

BENCHMARK(choose_rows)->Name("gather/choose_rows")->Arg(32)->Arg(512)->ArgName("rows");
BENCHMARK(gather)->Name("gather/values")->Args({32, 81})->Args({512, 512})->ArgNames({"rows", "cols"});

}  // namespace
}  // namespace equipoise::bench
