// bench/ceiling.h - what one core of this machine can do at most: fused multiply-adds and copied bytes per second.
//
// Measured once per run, best of many short trials, since anything else on the machine only makes a trial slower.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/base/lanes.h"

namespace equipoise::bench {

/// Seconds that body() takes.
template <class Body>
double seconds(Body&& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Bytes that a copy of this step of the ladder reads and writes in all: within the first and second cache of any
/// recent core, within the last one, beyond all.
inline constexpr int kCopySteps = 4;
inline constexpr int64_t kCopyBytes[kCopySteps] = {16 << 10, 384 << 10, 8 << 20, 256 << 20};

struct Ceiling {
  double flops;             ///< per second; an fma counts as two
  double copy[kCopySteps];  ///< bytes read plus bytes written per second

  /// Bytes per second of the copy that touches as many bytes, or the next larger one.
  double bandwidth(double bytes) const {
    int step = 0;
    while (step + 1 < kCopySteps && bytes > static_cast<double>(kCopyBytes[step])) ++step;
    return copy[step];
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

inline double copy_bandwidth(int64_t touched) {
  const auto bytes = static_cast<std::size_t>(touched / 2);
  // A gap that keeps the two buffers off the same cache sets and off false dependences of loads on stores.
  constexpr std::size_t kGap = 2112;
  std::vector<char> memory(2 * bytes + kGap, 1);
  const int64_t copies = std::max<int64_t>(1, (int64_t{64} << 20) / touched);
  double best = 1e30;
  for (int trial = 0; trial < 10; ++trial)
    best = std::min(best, seconds([&] {
                      for (int64_t i = 0; i < copies; ++i) {
                        std::memcpy(memory.data() + bytes + kGap, memory.data(), bytes);
                        asm volatile("" : : "r"(memory.data()) : "memory");
                      }
                    }));
  return static_cast<double>(touched) * static_cast<double>(copies) / best;
}

}  // namespace ceiling_detail

/// The ceiling of the core that this thread runs on, measured by the first call.
inline const Ceiling& ceiling() {
  static const Ceiling measured = [] {
    Ceiling c{ceiling_detail::fma_flops(), {}};
    for (int i = 0; i < kCopySteps; ++i) c.copy[i] = ceiling_detail::copy_bandwidth(kCopyBytes[i]);
    return c;
  }();
  return measured;
}

/// "fma peak 118.2 Gflop/s, copy 200.1 GB/s (16 KiB), ..."
inline std::string describe(const Ceiling& c) {
  char text[80];
  std::snprintf(text, sizeof text, "fma peak %.1f Gflop/s; copy, read + written:", 1e-9 * c.flops);
  std::string line = text;
  for (int i = 0; i < kCopySteps; ++i) {
    std::snprintf(text, sizeof text, "%s %.1f GB/s in %lld KiB", i ? "," : "", 1e-9 * c.copy[i],
                  static_cast<long long>(kCopyBytes[i] >> 10));
    line += text;
  }
  return line;
}

}  // namespace equipoise::bench
