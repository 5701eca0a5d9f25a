// bench/ceiling.h - what one core of this machine can do at most: fused multiply-adds and copied bytes per second.
//
// Measured once per run, best of many short trials, since anything else on the machine only makes a trial slower. A
// source of its own: it must be optimised fully, whatever the benchmark around it is.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

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

/// The ceiling of the core that this thread runs on, measured by the first call.
const Ceiling& ceiling();

/// "fma peak 118.2 Gflop/s, copy 200.1 GB/s (16 KiB), ..."
std::string describe(const Ceiling& c);

}  // namespace equipoise::bench
