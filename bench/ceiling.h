// bench/ceiling.h - what one core of this machine can do at most: fused multiply-adds and copied bytes per second.
//
// Measured once per run, best of many short trials, since anything else on the machine only makes a trial slower.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/lanes.h"

namespace equipoise::bench {

/// Seconds that body() takes.
template <class Body>
double seconds(Body&& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Ceiling {
  static constexpr int64_t kFirst = 16 << 10, kSecond = 256 << 10,
                           kMemory = 128 << 20;  ///< bytes of each copied buffer

  double flops;                  ///< per second; an fma counts as two
  double first, second, memory;  ///< bytes read plus bytes written per second, by the size of the buffers

  /// Bytes per second of a copy that touches as many bytes in all.
  double bandwidth(double bytes) const {
    return bytes <= 2.0 * kFirst ? first : (bytes <= 2.0 * kSecond ? second : memory);
  }
  /// Seconds below which no kernel of so many operations and bytes can stay.
  double floor(double kernel_flops, double kernel_bytes) const {
    return std::max(kernel_flops / flops, kernel_bytes / bandwidth(kernel_bytes));
  }
};

namespace ceiling_detail {

/// Twelve chains of fma: more than latency times ports of any core with two fma ports, fewer than its registers.
inline double fma_flops() {
  constexpr int kChains = 12, kWidth = 8, kRounds = 200000;
  float values[kWidth * kChains];
  std::fill(std::begin(values), std::end(values), 1.0f);
  double best = 1e30;
  for (int trial = 0; trial < 30; ++trial)
    best = std::min(best, seconds([&] {
                      const Lanes a = Lanes::broadcast(values[0] * 0.999f), b = Lanes::broadcast(1e-3f);
                      Lanes sum[kChains];
                      for (int i = 0; i < kChains; ++i) sum[i] = Lanes::load(values + kWidth * i);
                      for (int round = 0; round < kRounds; ++round)
                        for (int i = 0; i < kChains; ++i) sum[i] = fused(sum[i], a, b);
                      for (int i = 0; i < kChains; ++i) sum[i].store(values + kWidth * i);
                      asm volatile("" : : "r"(values) : "memory");
                    }));
  return 2.0 * kWidth * kChains * kRounds / best;
}

inline double copy_bandwidth(int64_t bytes) {
  std::vector<char> from(static_cast<std::size_t>(bytes), 1), to(static_cast<std::size_t>(bytes));
  const int64_t copies = std::max<int64_t>(1, (int64_t{64} << 20) / bytes);
  double best = 1e30;
  for (int trial = 0; trial < 10; ++trial)
    best = std::min(best, seconds([&] {
                      for (int64_t i = 0; i < copies; ++i) {
                        std::memcpy(to.data(), from.data(), static_cast<std::size_t>(bytes));
                        asm volatile("" : : "r"(to.data()) : "memory");
                      }
                    }));
  return 2.0 * static_cast<double>(bytes) * static_cast<double>(copies) / best;
}

}  // namespace ceiling_detail

/// The ceiling of the core that this thread runs on, measured by the first call.
inline const Ceiling& ceiling() {
  using namespace ceiling_detail;
  static const Ceiling measured{fma_flops(), copy_bandwidth(Ceiling::kFirst), copy_bandwidth(Ceiling::kSecond),
                                copy_bandwidth(Ceiling::kMemory)};
  return measured;
}

}  // namespace equipoise::bench
