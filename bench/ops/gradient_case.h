// bench/ops/gradient_case.h - a parameter block with the gradients of some tasks: what the update's benchmarks share.
#pragma once

#include "bench/ops/operation_bench.h"

namespace equipoise::bench {

/// `lanes` gradients of `count` elements, lane l that of task l.
inline GradientBlock gradient_block(OperationBench& bench, int count, int lanes) {
  GradientBlock block{};
  block.gradient = bench.floats(int64_t{lanes} * count);
  block.lane_stride = count;
  block.lanes = lanes;
  for (int l = 0; l < lanes; ++l) {
    block.task[l] = static_cast<int8_t>(l);
    block.route[l] = 1.0f;
  }
  block.count = count;
  block.loss_scale = 1.0f;
  return block;
}

// 2,720: the published model's encoder, 32 rows of 84 and a bias; alone, and with three tasks as over its heads.
inline void gradient_shapes(benchmark::internal::Benchmark* b) {
  b->Args({2720, 1})->Args({2720, 3})->Args({65536, 1})->Args({65536, 3})->Args({8 << 20, 1});
  b->ArgNames({"elements", "lanes"});
}

}  // namespace equipoise::bench
