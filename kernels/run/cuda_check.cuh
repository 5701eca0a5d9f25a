// kernels/run/cuda_check.cuh - every CUDA call is checked, and one that failed is remembered. GPU only; no twin is needed.
#pragma once

#include <cuda_runtime_api.h>

namespace equipoise::cuda {

/// Throws DeviceError if `error` is one, or if an earlier one has made the device unusable.
void check(cudaError_t error, const char* file, int line, const char* call);
/// Throws DeviceError if an earlier error has made the device unusable.
void check_usable(const char* file, int line, const char* call);

}  // namespace equipoise::cuda

#define EQ_CUDA(call)                                          \
  (::equipoise::cuda::check_usable(__FILE__, __LINE__, #call), \
   ::equipoise::cuda::check((call), __FILE__, __LINE__, #call))
