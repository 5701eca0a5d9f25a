// kernels/run/device_no_cuda.cpp - stands in for kernels/run/device.cu where there is no CUDA toolkit.
#include "kernels/run/device.h"

namespace equipoise {

namespace {
[[noreturn]] void refuse(const char* call) {
  throw DeviceError("kernels/run/device_no_cuda.cpp", __LINE__, call, "this program was built without CUDA");
}
}  // namespace

DeviceReport device_report(bool) {
  DeviceReport report;
  report.problem = "this program was built without CUDA";
  return report;
}

size_t device_free_memory(int) { refuse("device_free_memory"); }

DeviceMemory::DeviceMemory(int, size_t) { refuse("DeviceMemory"); }
DeviceMemory::~DeviceMemory() { release(); }
void DeviceMemory::release() noexcept { data_ = nullptr; }
void DeviceMemory::upload(const void*, size_t, size_t) { refuse("DeviceMemory::upload"); }
void DeviceMemory::download(void*, size_t, size_t) const { refuse("DeviceMemory::download"); }
void DeviceMemory::clear(size_t) { refuse("DeviceMemory::clear"); }

PinnedMemory::PinnedMemory(int, size_t) { refuse("PinnedMemory"); }

}  // namespace equipoise
