// kernels/run/made_kernel.cu - loads code by the runtime's libraries (CUDA Runtime API, "Library Management").
#include "kernels/run/made_kernel.h"

#include <stdexcept>

#include "kernels/run/cuda_check.cuh"
#include "kernels/run/device.h"

namespace equipoise {

#if CUDART_VERSION >= 12080  // the first runtime that loads code without the driver's interface

namespace {

class LoadedKernel : public MadeKernel {
 public:
  LoadedKernel(int device, const std::vector<std::byte>& code, const std::string& name, int threads)
      : device_(device), threads_(threads) {
    EQ_CUDA(cudaSetDevice(device));
    usable(cudaLibraryLoadData(&library_, code.data(), nullptr, nullptr, 0, nullptr, nullptr, 0));
    try {
      usable(cudaLibraryGetKernel(&kernel_, library_, name.c_str()));
      cudaFuncAttributes attributes;
      EQ_CUDA(cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(kernel_)));
      int optin = 0;
      EQ_CUDA(cudaDeviceGetAttribute(&optin, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
      fast_bytes_ = static_cast<size_t>(optin) - attributes.sharedSizeBytes;
      EQ_CUDA(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel_), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                   static_cast<int>(fast_bytes_)));
    } catch (...) {
      cudaLibraryUnload(library_);
      throw;
    }
  }
  ~LoadedKernel() override {
    if (cudaSetDevice(device_) == cudaSuccess) cudaLibraryUnload(library_);  // a failure was reported by another call
  }
  LoadedKernel(const LoadedKernel&) = delete;
  LoadedKernel& operator=(const LoadedKernel&) = delete;

  void launch(const Launch& launch, int64_t fast_floats) override {
    if (launch.replicas <= 0) return;
    const size_t fast_bytes = static_cast<size_t>(fast_floats) * sizeof(float);
    if (fast_bytes > fast_bytes_)
      throw std::invalid_argument("the program was planned for more shared memory than the device has");
    EQ_CUDA(cudaSetDevice(device_));
    void* arguments[] = {const_cast<Launch*>(&launch)};
    EQ_CUDA(cudaLaunchKernel(reinterpret_cast<const void*>(kernel_), dim3(static_cast<unsigned>(launch.replicas)),
                             dim3(static_cast<unsigned>(threads_)), arguments, fast_bytes, cudaStreamPerThread));
    EQ_CUDA(cudaStreamSynchronize(cudaStreamPerThread));
  }

 private:
  /// Code that cannot be used is no failure of the device: it must not stick.
  static void usable(cudaError_t error) {
    if (error == cudaSuccess) return;
    cudaGetLastError();
    throw UnusableCode(std::string(cudaGetErrorName(error)) + ", " + cudaGetErrorString(error));
  }

  int device_, threads_;
  cudaLibrary_t library_{};
  cudaKernel_t kernel_{};
  size_t fast_bytes_ = 0;
};

}  // namespace

std::string made_kernel_target(int device) {
  int major = 0, minor = 0;
  EQ_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
  EQ_CUDA(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
  return "sm_" + std::to_string(major) + std::to_string(minor);
}

std::unique_ptr<MadeKernel> load_made_kernel(int device, const std::vector<std::byte>& code, const std::string& name,
                                             int threads) {
  return std::make_unique<LoadedKernel>(device, code, name, threads);
}

#else

std::string made_kernel_target(int) { return ""; }

std::unique_ptr<MadeKernel> load_made_kernel(int, const std::vector<std::byte>&, const std::string&, int) {
  throw DeviceError("kernels/run/made_kernel.cu", __LINE__, "load_made_kernel",
                    "this program was built with a CUDA runtime older than 12.8");
}

#endif

}  // namespace equipoise
