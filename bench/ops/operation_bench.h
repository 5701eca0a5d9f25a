// bench/ops/operation_bench.h - one operation with memory of its own, timed as the engine calls it: by a team of one, as
// compiled for the engine.
//
// Every row of the table has the same counters: flops and bytes of a call, what that makes per second, and `share`, the
// time that bench/ceiling.h says is the least, divided by the time taken.
#pragma once

#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>

#include "bench/ceiling.h"
#include "bench/ops/line_aligned.h"
#include "bench/ops/operation_cost.h"
#include "engine/run/cpu_interpreter.h"

namespace equipoise::bench {

/// Floats from one row of a planned matrix to the next: a multiple of 4 that is 4 times an odd number, as plans have
/// it.
inline int row_stride(int cols) {
  const int padded = divide_up(cols, 4) * 4;
  return padded % 8 == 0 ? padded + 4 : padded;
}

/// Seconds that this thread has run, as opposed to waited while others ran.
inline double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Times calls of body(), each of which costs `cost`.
template <class Body>
void time_calls(benchmark::State& state, const Cost& cost, Body&& body) {
  const double start = thread_seconds();
  for (auto _ : state) {
    body();
    benchmark::ClobberMemory();
  }
  const double per_call = (thread_seconds() - start) / static_cast<double>(state.iterations());
  state.counters["flops"] = cost.flops;
  state.counters["bytes"] = cost.bytes;
  state.counters["Gflop/s"] = 1e-9 * cost.flops / per_call;
  state.counters["GB/s"] = 1e-9 * cost.bytes / per_call;
  state.counters["share"] = ceiling().floor(cost.flops, cost.bytes) / per_call;
}

/// Memory handed out piece by piece, and the context an operation on it sees. Floats are uniform on (-1, 1).
class OperationBench {
 public:
  explicit OperationBench(int batch) : batch_(batch) {
    std::memset(static_cast<void*>(&control_), 0, sizeof control_);
    for (int k = 0; k < kMaxTasks; ++k) control_.weights[k] = control_.shared_weights[k] = 1.0 + k;
    control_.finite = 1;
    control_.label_weight = batch;
    control_.beta1_power = 0.5;
    control_.beta2_power = 0.9;
  }

  View matrix(int blocks, int cols) {
    const int stride = row_stride(cols);
    return {floats(int64_t{blocks} * batch_ * stride), stride, cols, 0, blocks};
  }
  LinearPlace layer(int in, int out) {
    const int stride = divide_up(in, 4) * 4;
    return {floats(int64_t{out} * stride), floats(out), stride};
  }
  Place floats(int64_t count) {
    const auto first = static_cast<int32_t>(memory_.size());
    std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
    // Pieces begin at whole cache lines, as planned ones do.
    memory_.resize(memory_.size() + static_cast<std::size_t>((count + 15) / 16 * 16));
    for (int64_t i = 0; i < count; ++i) memory_[static_cast<std::size_t>(first + i)] = uniform(random_);
    return {first, Space::fast};
  }
  Place zeros(int64_t count) {
    const Place place = floats(count);
    std::fill(memory_.begin() + place.offset, memory_.end(), 0.0f);
    return place;
  }
  Place doubles(int64_t count) { return zeros(2 * count); }

  Control& control() { return control_; }
  Settings& settings() { return settings_; }
  RunData& data() { return data_; }
  SourceSet& source_set() { return set_; }
  int batch() const { return batch_; }

  /// What an operation sees; pieces handed out later make it stale.
  Context context() {
    Context c{};
    for (float*& base : c.base) base = memory_.data();
    c.control = &control_;
    c.settings = &settings_;
    data_.sets = &set_;
    c.data = &data_;
    c.batch = c.n = batch_;
    c.shuffle = true;
    return c;
  }

  /// Times calls of the operation.
  template <class Op>
  void run(benchmark::State& state, const Op& op) {
    const Context c = context();
    time_calls(state, cost(op, batch_), [&] { run_operation(SerialTeam{}, c, op, 0); });
  }

 private:
  int batch_;
  std::mt19937 random_{1};
  LineAlignedFloats memory_;
  Control control_;
  Settings settings_;
  RunData data_{};
  SourceSet set_{};
};

}  // namespace equipoise::bench
