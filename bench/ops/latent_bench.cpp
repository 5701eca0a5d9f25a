// bench/ops/latent_bench.cpp - reparameterised latents with their KL divergence, and the gradient. Arguments: rows,
// size.
#include "bench/ops/operation_bench.h"

namespace equipoise::bench {
namespace {

void forward(benchmark::State& state) {
  const int size = static_cast<int>(state.range(1));
  OperationBench bench(static_cast<int>(state.range(0)));
  Latent op{};
  op.heads = bench.matrix(1, 2 * size);
  op.noise = bench.matrix(1, size);
  op.sigma = bench.matrix(1, size);
  op.z = bench.matrix(1, size);
  op.kl = bench.doubles(int64_t{bench.batch()} * kRowLanes);
  op.use_noise = true;
  op.log_factor = 1.0f;
  bench.run(state, op);
}

void gradient(benchmark::State& state) {
  const int size = static_cast<int>(state.range(1));
  OperationBench bench(static_cast<int>(state.range(0)));
  LatentGradient op{};
  op.heads = bench.matrix(1, 2 * size);
  op.noise = bench.matrix(1, size);
  op.sigma = bench.matrix(1, size);
  op.dz = bench.matrix(1, size);
  op.dheads = bench.matrix(1, 2 * size);
  op.kl_scale = 1.0f;
  op.kl_task = -1;
  op.has_dz = true;
  op.log_factor = 1.0f;
  bench.run(state, op);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->Args({64, 10})->Args({512, 32})->Args({512, 256})->ArgNames({"rows", "size"});
}

BENCHMARK(forward)->Name("latent/forward")->Apply(shapes);
BENCHMARK(gradient)->Name("latent/gradient")->Apply(shapes);

}  // namespace
}  // namespace equipoise::bench
