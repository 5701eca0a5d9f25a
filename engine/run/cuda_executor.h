// engine/run/cuda_executor.h - how the CUDA executor cuts a run: into waves of replicas that fit the device's memory,
// and into launches of bounded length. Neither changes a result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/run/executor.h"
#include "kernels/run/interpreter_launch.h"

namespace equipoise {

struct CudaOptions {
  size_t memory = 0;            ///< bytes of device memory to use; 0: most of what is free
  double launch_seconds = 0.5;  ///< what a launch aims at: signals, progress and display watchdogs wait for its end
  int threads = kBlockThreads;  ///< of a block, a multiple of 32
};

/// As make_cuda_executor(device), with limits of the caller's choosing.
std::unique_ptr<Executor> make_cuda_executor(int device, const CudaOptions& options);

/// Chooses how many steps the next launch does, from how long earlier ones took. Starts with one step, then grows by at
/// most eight times a launch, so that a wrong guess is short.
class LaunchPacer {
 public:
  /// Steps of the next launch, 1 .. left, when each step does the work of `replicas`.
  int next(int left, int replicas, double seconds_wanted);
  /// What that launch did.
  void ran(int steps, double seconds);

 private:
  int longest_ = 0;   // steps of the longest launch so far
  int replicas_ = 0;  // that it was measured with
  double seconds_per_step_ = 0;
};

/// Replicas of a wave when each takes `bytes_per_replica` of `bytes`: all of them, or as many as fit, at least 1.
/// Throws Error(device) if not even one fits.
int replicas_per_wave(int replicas, size_t bytes_per_replica, size_t bytes);

}  // namespace equipoise
