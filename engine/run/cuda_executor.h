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

}  // namespace equipoise
