// bench/ceiling.cpp - measures the ceiling.
#include "bench/ceiling.h"

#include <cstdio>
#include <cstring>
#include <vector>

#include "kernels/base/lanes.h"

namespace equipoise::bench {

namespace {

/// Twelve chains of fma: more than latency times ports of any core with two fma ports, fewer than its registers.
double fma_flops() {
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

double copy_bandwidth(int64_t touched) {
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

}  // namespace

const Ceiling& ceiling() {
  static const Ceiling measured = [] {
    Ceiling c{fma_flops(), {}};
    for (int i = 0; i < kCopySteps; ++i) c.copy[i] = copy_bandwidth(kCopyBytes[i]);
    return c;
  }();
  return measured;
}

std::string describe(const Ceiling& c) {
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
