// bench/run/gram_batch_bench.cpp - Gram matrix of one stack on one core, beside a plain double loop. Arguments: K, D.
// `share` is of the float32 peak or of a copy, whichever is nearer; float64 arithmetic reaches half of that peak.
#include "bench/ops/operation_bench.h"
#include "kernels/run/gram_batch_launch.h"

namespace equipoise::bench {
namespace {

struct Stack {
  explicit Stack(const benchmark::State& state)
      : tasks(static_cast<int>(state.range(0))),
        columns(state.range(1)),
        gradients(static_cast<std::size_t>(tasks * columns)),
        gram(static_cast<std::size_t>(tasks) * static_cast<std::size_t>(tasks)) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
    for (float& g : gradients) g = uniform(random);
  }
  Cost cost() const {
    const double values = static_cast<double>(tasks) * static_cast<double>(columns);
    return {values * (tasks + 1), 4.0 * values};
  }

  int tasks;
  int64_t columns;
  LineAlignedFloats gradients;
  std::vector<double> gram;
};

void gram_batch(benchmark::State& state) {
  Stack s(state);
  const GramBatch batch{1, s.columns, s.tasks, s.columns, s.gradients.data(), s.gram.data()};
  time_calls(state, s.cost(), [&] { gram_batch_cpu(batch, 1); });
}

void plain_double(benchmark::State& state) {
  Stack s(state);
  time_calls(state, s.cost(), [&] {
    for (int i = 0; i < s.tasks; ++i)
      for (int j = i; j < s.tasks; ++j) {
        const float *x = s.gradients.data() + i * s.columns, *y = s.gradients.data() + j * s.columns;
        double sum = 0;
        for (int64_t e = 0; e < s.columns; ++e) sum += double{x[e]} * double{y[e]};
        s.gram[static_cast<std::size_t>(i * s.tasks + j)] = sum;
      }
    benchmark::DoNotOptimize(s.gram.data());
  });
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgsProduct({{2, 3, 8, 16, 32}, {10000, 1000000}})->ArgNames({"tasks", "columns"});
}

BENCHMARK(gram_batch)->Apply(shapes);
BENCHMARK(plain_double)->Name("gram_batch, plain double loop")->Apply(shapes);

}  // namespace
}  // namespace equipoise::bench
