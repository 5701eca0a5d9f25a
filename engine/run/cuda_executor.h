// engine/run/cuda_executor.h - how the CUDA executor cuts a run: into waves of replicas that fit the device's memory,
// into launches of bounded length, and a replica's work among threads. None changes a result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/run/executor.h"
#include "kernels/run/interpreter_launch.h"

namespace equipoise {

struct CudaOptions {
  /// Of options that do not say; a test program that runs all it has on made kernels says so here.
  inline static KernelMode usual_kernel_mode = KernelMode::interpreter;

  size_t memory = 0;            ///< bytes of device memory to use; 0: most of what is free
  int sharing = 1;              ///< executors that share what is free, this one included
  double launch_seconds = 0.5;  ///< what a launch aims at: signals, progress and display watchdogs wait for its end
  int threads = 0;              ///< of a block, a multiple of 32; 0: as block_threads() chooses
  KernelMode kernel_mode = usual_kernel_mode;
  /// Seconds of work, done and expected, from which on `automatic` has a kernel compiled. Who has worked for so long is
  /// likely to go on; that is a guess, which no GPU has tried.
  double worth_compiling = 10;
};

/// As make_cuda_executor(device), with limits of the caller's choosing.
std::unique_ptr<Executor> make_cuda_executor(int device, const CudaOptions& options);

}  // namespace equipoise
