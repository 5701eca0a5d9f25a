// bench/ops/linear_bench.cpp - linear layers: forward and both gradients, beside plain triple loops. Arguments: rows,
// in, out.
#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

struct Shape {
  explicit Shape(const benchmark::State& state)
      : rows(static_cast<int>(state.range(0))),
        in(static_cast<int>(state.range(1))),
        out(static_cast<int>(state.range(2))) {}
  int rows, in, out;
};

void forward(benchmark::State& state) {
  const Shape s(state);
  OperationBench bench(s.rows);
  const View x = bench.matrix(1, s.in), y = bench.matrix(1, s.out);
  bench.run(state, Linear{x, bench.layer(s.in, s.out), y, Activation::relu});
}

void input_gradient(benchmark::State& state) {
  const Shape s(state);
  OperationBench bench(s.rows);
  const View dy = bench.matrix(1, s.out), x = bench.matrix(1, s.in), dx = bench.matrix(1, s.in);
  bench.run(state, LinearInputGradient{dy, bench.layer(s.in, s.out), x, dx, Activation::relu, false});
}

void weight_gradient(benchmark::State& state) {
  const Shape s(state);
  OperationBench bench(s.rows);
  const View x = bench.matrix(1, s.in), dy = bench.matrix(1, s.out);
  bench.run(state, LinearWeightGradient{x, dy, bench.layer(s.in, s.out), false});
}

/// The forward pass as one writes it down, sums in Sum.
template <class Sum>
void plain_forward(benchmark::State& state) {
  const Shape s(state);
  OperationBench bench(s.rows);
  const View x = bench.matrix(1, s.in), y = bench.matrix(1, s.out);
  const Linear layer{x, bench.layer(s.in, s.out), y, Activation::relu};
  const Context c = bench.context();
  const float* weight = c.floats(layer.parameters.weight);
  const float* bias = c.floats(layer.parameters.bias);
  time_calls(state, cost(layer, s.rows), [&] {
    for (int r = 0; r < s.rows; ++r)
      for (int o = 0; o < s.out; ++o) {
        Sum sum = bias[o];
        for (int i = 0; i < s.in; ++i) sum += Sum{c.row(x, r)[i]} * Sum{weight[o * layer.parameters.stride + i]};
        c.row(y, r)[o] = sum < 0 ? 0.0f : static_cast<float>(sum);
      }
  });
}

// The published model's encoder, heads of both views, decoders of self and crossed input; then larger squares.
void shapes(benchmark::internal::Benchmark* b) {
  b->Args({32, 81, 32})->Args({64, 32, 20})->Args({64, 10, 32})->Args({64, 32, 81})->Args({256, 256, 256});
  b->Args({512, 512, 512})->ArgNames({"rows", "in", "out"});
}
void plain_shapes(benchmark::internal::Benchmark* b) {
  b->Args({32, 81, 32})->Args({64, 32, 81})->Args({256, 256, 256})->ArgNames({"rows", "in", "out"});
}

BENCHMARK(forward)->Name("linear/forward")->Apply(shapes);
BENCHMARK(plain_forward<float>)->Name("linear/forward, plain float loops")->Apply(plain_shapes);
BENCHMARK(plain_forward<double>)->Name("linear/forward, plain double loops")->Apply(plain_shapes);
BENCHMARK(input_gradient)->Name("linear/input gradient")->Apply(shapes);
BENCHMARK(weight_gradient)->Name("linear/weight gradient")->Apply(shapes);

}  // namespace
}  // namespace equipoise::bench
