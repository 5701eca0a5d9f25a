// kernels/run/phase_clocks.cuh - a thread block that counts the clocks of its phases. For kernels/run/interpreter.cu,
// which alone includes it. GPU only: a CPU's phases are timed by a profiler.
#pragma once

#include "kernels/run/cuda_check.cuh"
#include "kernels/run/phase_clocks.h"
#include "kernels/teams/block_team.cuh"

namespace equipoise {

namespace {

__device__ PhaseClock clocked_phases[kClockedPhases];

/// Its first thread reads the clock behind each barrier of the block and adds up what lies between two of them. It
/// waits for nothing: additions whose result nobody reads are sent off. They and the clock are some tens of clocks that
/// a phase has more than in the shipped kernel, if its first warp is its last.
class ClockedTeam : public BlockTeam {
 public:
  __device__ void sync() const {
    BlockTeam::sync();
    const long long now = thread_rank() == 0 ? clock64() : last_;
    took_ = now - last_;  // by all: for one alone, the others would keep theirs through the whole phase
    last_ = now;
  }
  /// Follows the barrier of the phase.
  __device__ void phase_ended(int phase) const {
    if (thread_rank() != 0 || phase >= kClockedPhases) return;
    atomicAdd(&clocked_phases[phase].clocks, static_cast<unsigned long long>(took_));
    atomicAdd(&clocked_phases[phase].visits, 1ull);
  }

 private:
  mutable long long last_ = 0, took_ = 0;  // of the first thread
};

}  // namespace

std::vector<PhaseClock> phase_clocks(int device) {
  std::vector<PhaseClock> all(kClockedPhases);
  EQ_CUDA(cudaSetDevice(device));
  EQ_CUDA(cudaMemcpyFromSymbol(all.data(), clocked_phases, sizeof clocked_phases));
  return all;
}

void forget_phase_clocks(int device) {
  const std::vector<PhaseClock> nothing(kClockedPhases);
  EQ_CUDA(cudaSetDevice(device));
  EQ_CUDA(cudaMemcpyToSymbol(clocked_phases, nothing.data(), sizeof clocked_phases));
}

}  // namespace equipoise
