// kernels/run/phase_clocks.h - clocks of the phases of programs, as a build of the interpreter with
// EQUIPOISE_PHASE_CLOCKS counts them. No CUDA type appears here, and no shipped build defines what is declared.
#pragma once

#include <vector>

namespace equipoise {

/// Sums over all visits of all blocks since forget_phase_clocks.
struct PhaseClock {
  unsigned long long clocks;  ///< of its multiprocessor, from the barrier before the phase to its own
  unsigned long long visits;
};

inline constexpr int kClockedPhases = 64;  ///< further phases of a program are not counted

/// By phase: [kClockedPhases]. Programs are not told apart. Throws DeviceError.
std::vector<PhaseClock> phase_clocks(int device);
/// Sets all to nothing. Throws DeviceError.
void forget_phase_clocks(int device);

}  // namespace equipoise
