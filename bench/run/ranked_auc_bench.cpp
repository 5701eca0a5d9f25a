// bench/run/ranked_auc_bench.cpp - the AUC of two classes inside a launch. Argument: validation rows. Its flops are the
// compared pairs of the sort and the exponentials, 25 operations each.
#include "kernels/run/ranked_auc.h"

#include <random>
#include <vector>

#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

void ranked_auc_of_two(benchmark::State& state) {
  const auto rows = static_cast<int32_t>(state.range(0)), size = sorted_size(rows);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> logits;
  std::vector<int32_t> labels, row_list;
  for (int32_t r = 0; r < rows; ++r) {
    logits.insert(logits.end(), {normal(random), normal(random)});
    labels.push_back(r % 2);
    row_list.push_back(r);
  }
  std::vector<uint64_t> keys(static_cast<std::size_t>(size));
  int passes = 0;
  for (int run = 2; run <= size; run *= 2)
    for (int step = run / 2; step > 0; step /= 2) ++passes;
  const double compared = 0.5 * size * passes;
  const Cost cost{compared + 50.0 * rows, 32.0 * compared + 24.0 * rows};
  const RankedRows of{.values = logits.data(),
                      .stride = 2,
                      .cols = 2,
                      .labels = labels.data(),
                      .row_list = row_list.data(),
                      .rows = rows,
                      .logits = true};
  time_calls(state, cost, [&] {
    double area = ranked_auc(SerialTeam{}, of, keys.data());
    benchmark::DoNotOptimize(area);
  });
}

BENCHMARK(ranked_auc_of_two)
    ->Name("ranked_auc, two classes")
    ->Args({47})
    ->Args({300})
    ->Args({4096})
    ->Args({65536})
    ->ArgNames({"rows"});

}  // namespace
}  // namespace equipoise::bench
