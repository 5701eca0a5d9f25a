// kernels/run/interpreter.cu - the interpreter as a CUDA kernel: one block per replica, many steps without the host.
// With EQUIPOISE_PHASE_CLOCKS defined its blocks count the clocks of phases, which no shipped build does.
#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>

#include "kernels/teams/block_team.cuh"
#include "kernels/run/cuda_check.cuh"
#include "kernels/run/interpreter.h"
#include "kernels/run/interpreter_launch.h"
#ifdef EQUIPOISE_PHASE_CLOCKS
#include "kernels/run/phase_clocks.cuh"
#endif

namespace equipoise {

namespace {

#ifdef EQUIPOISE_PHASE_CLOCKS
using Interpreting = ClockedTeam;
#else
using Interpreting = BlockTeam;
#endif

static_assert(sizeof(Launch) <= 4096, "every device takes parameters of 4096 bytes");

extern __shared__ float4 fast_memory[];  // float4: 16-byte aligned, as wide loads need

// A launch is a constant of the grid: without the qualifier every thread would keep a copy of its own in local memory.
__global__ void __launch_bounds__(kBlockThreads, 1) run_replicas(const __grid_constant__ Launch launch) {
  run_replica(Interpreting{}, launch, static_cast<int>(blockIdx.x), reinterpret_cast<float*>(fast_memory));
}

/// Bytes of shared memory that a block may ask for. The first call on a device allows them, for good: host threads that
/// launch on one device at a time, each for a program of its own size, then find nothing that another has set lower.
size_t fast_bytes_limit(int device) {
  static std::mutex mutex;
  static std::map<int, size_t> limits;  // by device
  const std::lock_guard lock(mutex);
  if (const auto known = limits.find(device); known != limits.end()) return known->second;
  int optin = 0;
  EQ_CUDA(cudaSetDevice(device));
  EQ_CUDA(cudaDeviceGetAttribute(&optin, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  cudaFuncAttributes attributes;
  EQ_CUDA(cudaFuncGetAttributes(&attributes, run_replicas));
  const size_t limit = static_cast<size_t>(optin) - attributes.sharedSizeBytes;
  EQ_CUDA(cudaFuncSetAttribute(run_replicas, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(limit)));
  return limits[device] = limit;
}

}  // namespace

int64_t device_fast_floats(int device) {
  return static_cast<int64_t>(fast_bytes_limit(device) / sizeof(float4)) *
         static_cast<int64_t>(sizeof(float4) / sizeof(float));
}

void launch_program(int device, const Launch& launch, int64_t fast_floats, int threads) {
  if (threads < 32 || threads > kBlockThreads || threads % 32 != 0)
    throw std::invalid_argument("a block needs a multiple of 32 threads, at most " + std::to_string(kBlockThreads));
  if (launch.replicas <= 0) return;
  const size_t fast_bytes = static_cast<size_t>(fast_floats) * sizeof(float);
  if (fast_bytes > fast_bytes_limit(device))
    throw std::invalid_argument("the program was planned for more shared memory than the device has");
  EQ_CUDA(cudaSetDevice(device));
  run_replicas<<<launch.replicas, threads, fast_bytes, cudaStreamPerThread>>>(launch);
  EQ_CUDA(cudaGetLastError());
  EQ_CUDA(cudaStreamSynchronize(cudaStreamPerThread));
}

}  // namespace equipoise
