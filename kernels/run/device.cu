// kernels/run/device.cu - CUDA devices: the report, memory, and errors that stick.
// Every host thread copies in a stream of its own, as kernels/run/interpreter.cu launches: threads that share a device
// wait for their own work alone. Streams of threads wait for the default one and it for them (CUDA Runtime API, "Stream
// synchronization behavior"), which the launchers of batches use.
#include "kernels/run/device.h"

#include <cub/version.cuh>
#include <thrust/version.h>
#if __has_include(<cublas_api.h>)  // a toolkit may come without the libraries that benchmarks alone need
#include <cublas_api.h>
#endif
#if __has_include(<curand.h>)
#include <curand.h>
#endif

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <new>
#include <utility>

#include "kernels/run/cuda_check.cuh"

namespace equipoise {

namespace cuda {

namespace {

std::mutex broken_mutex;
std::string broken;  // the first error that made the device unusable

/// Failures that leave the context as it was, beside a lack of memory.
bool passes(cudaError_t error) {
  return error == cudaErrorInvalidDevice || error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver;
}

/// Folder and name: builds in different places print the same.
std::string short_name(const char* file) {
  const std::filesystem::path path(file);
  return (path.parent_path().filename() / path.filename()).string();
}

}  // namespace

void check_usable(const char* file, int line, const char* call) {
  const std::lock_guard lock(broken_mutex);
  if (!broken.empty()) throw DeviceError(short_name(file), line, call, "not tried after an earlier error: " + broken);
}

void check(cudaError_t error, const char* file, int line, const char* call) {
  if (error == cudaSuccess) return;
  const std::string text = std::string(cudaGetErrorName(error)) + ", " + cudaGetErrorString(error);
  cudaGetLastError();  // a failure that leaves the context usable must not be reported again by the next call
  if (error == cudaErrorMemoryAllocation) throw OutOfDeviceMemory(short_name(file), line, call, text);
  const DeviceError thrown(short_name(file), line, call, text);
  if (!passes(error)) {
    const std::lock_guard lock(broken_mutex);
    if (broken.empty()) broken = thrown.what();
  }
  throw thrown;
}

}  // namespace cuda

namespace {

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

#define EQ_TEXT(...) #__VA_ARGS__
#define EQ_EXPANDED_TEXT(...) EQ_TEXT(__VA_ARGS__)
/// "800,900" -> "8.0, 9.0"
std::string architectures_built() {
  const std::string list = EQ_EXPANDED_TEXT(__CUDA_ARCH_LIST__);
  std::string text;
  for (size_t begin = 0; begin < list.size(); begin = list.find(',', begin) + 1) {
    const int number = std::atoi(list.c_str() + begin);
    text += (text.empty() ? "" : ", ") + std::to_string(number / 100) + "." + std::to_string(number % 100 / 10);
    if (list.find(',', begin) == std::string::npos) break;
  }
  return text;
}
#undef EQ_EXPANDED_TEXT
#undef EQ_TEXT

std::string dotted(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

std::vector<std::pair<std::string, std::string>> toolkit_libraries() {
  return {
      {"Thrust", dotted(THRUST_MAJOR_VERSION, THRUST_MINOR_VERSION, THRUST_SUBMINOR_VERSION)},
      {"CUB", dotted(CUB_MAJOR_VERSION, CUB_MINOR_VERSION, CUB_SUBMINOR_VERSION)},
#ifdef CUBLAS_VER_MAJOR
      {"cuBLAS", dotted(CUBLAS_VER_MAJOR, CUBLAS_VER_MINOR, CUBLAS_VER_PATCH)},
#endif
#ifdef CURAND_VER_MAJOR
      {"cuRAND", dotted(CURAND_VER_MAJOR, CURAND_VER_MINOR, CURAND_VER_PATCH)},
#endif
  };
}

/// Why there is no device, in words.
std::string why_none(cudaError_t error, const DeviceReport& report) {
  if (report.driver_version == 0) return "no NVIDIA driver is installed";
  if (error == cudaErrorInsufficientDriver)
    return "the NVIDIA driver serves CUDA " + version_text(report.driver_version) + ", but this build needs " +
           version_text(report.runtime_version);
  const char* const visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (error == cudaSuccess || error == cudaErrorNoDevice)
    return visible ? std::string("no CUDA device is visible (CUDA_VISIBLE_DEVICES is '") + visible + "')"
                   : "the NVIDIA driver finds no device";
  return std::string("the NVIDIA driver answers ") + cudaGetErrorName(error) + ", " + cudaGetErrorString(error);
}

DeviceInfo info_of(int device, bool ask_free_memory) {
  cudaDeviceProp properties;
  EQ_CUDA(cudaGetDeviceProperties(&properties, device));
  DeviceInfo info;
  info.name = properties.name;
  info.compute_major = properties.major;
  info.compute_minor = properties.minor;
  info.multiprocessors = properties.multiProcessorCount;
  info.memory = properties.totalGlobalMem;
  if (ask_free_memory) info.free_memory = device_free_memory(device);
  info.shared_per_block_optin = properties.sharedMemPerBlockOptin;
  return info;
}

}  // namespace

DeviceReport device_report(bool ask_free_memory) {
  DeviceReport report;
  report.built_with_cuda = true;
  report.architectures = architectures_built();
  report.code = EQUIPOISE_CUDA_ARCHITECTURES;
  report.libraries = toolkit_libraries();
  cudaDriverGetVersion(&report.driver_version);  // 0 without a driver
  cudaRuntimeGetVersion(&report.runtime_version);
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  cudaGetLastError();
  if (error != cudaSuccess || count == 0) {
    report.problem = why_none(error, report);
    return report;
  }
  try {
    for (int device = 0; device < count; ++device) report.devices.push_back(info_of(device, ask_free_memory));
  } catch (const DeviceError& failed) {
    report.devices.clear();
    report.problem = failed.what();
  }
  return report;
}

size_t device_free_memory(int device) {
  size_t available = 0, total = 0;
  EQ_CUDA(cudaSetDevice(device));
  EQ_CUDA(cudaMemGetInfo(&available, &total));
  return available;
}

DeviceMemory::DeviceMemory(int device, size_t bytes) : bytes_(bytes), device_(device) {
  if (bytes == 0) return;
  EQ_CUDA(cudaSetDevice(device));
  EQ_CUDA(cudaMalloc(&data_, bytes));
}

DeviceMemory::~DeviceMemory() { release(); }

void DeviceMemory::release() noexcept {
  if (data_ && cudaSetDevice(device_) == cudaSuccess)
    cudaFree(data_);  // a failure here was reported by an earlier call
  data_ = nullptr;
  bytes_ = 0;
}

void DeviceMemory::upload(const void* from, size_t bytes, size_t offset) {
  if (offset > bytes_ || bytes > bytes_ - offset) throw std::out_of_range("upload past the end of device memory");
  if (bytes == 0) return;
  EQ_CUDA(cudaSetDevice(device_));
  EQ_CUDA(cudaMemcpyAsync(as<char>() + offset, from, bytes, cudaMemcpyHostToDevice, cudaStreamPerThread));
  EQ_CUDA(cudaStreamSynchronize(cudaStreamPerThread));
}

void DeviceMemory::download(void* to, size_t bytes, size_t offset) const {
  if (offset > bytes_ || bytes > bytes_ - offset) throw std::out_of_range("download past the end of device memory");
  if (bytes == 0) return;
  EQ_CUDA(cudaSetDevice(device_));
  EQ_CUDA(cudaMemcpyAsync(to, as<char>() + offset, bytes, cudaMemcpyDeviceToHost, cudaStreamPerThread));
  EQ_CUDA(cudaStreamSynchronize(cudaStreamPerThread));
}

void DeviceMemory::clear(size_t bytes) {
  if (bytes > bytes_) throw std::out_of_range("clearing past the end of device memory");
  if (bytes == 0) return;
  EQ_CUDA(cudaSetDevice(device_));
  EQ_CUDA(cudaMemsetAsync(data_, 0, bytes, cudaStreamPerThread));
  EQ_CUDA(cudaStreamSynchronize(cudaStreamPerThread));
}

PinnedMemory::PinnedMemory(int device, size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  EQ_CUDA(cudaSetDevice(device));
  void* pinned = nullptr;
  const cudaError_t error = cudaMallocHost(&pinned, bytes);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    data_ = {::operator new(bytes), [](void* data) { ::operator delete(data); }};
    return;
  }
  cuda::check(error, __FILE__, __LINE__, "cudaMallocHost(&pinned, bytes)");
  data_ = {pinned, [](void* data) { cudaFreeHost(data); }};  // a failure there was reported by an earlier call
}

}  // namespace equipoise
