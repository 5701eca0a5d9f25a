// kernels/run/device.h - CUDA devices without CUDA's types: what is there, memory on one and for it, and errors that
// stick.
// A build without the CUDA toolkit links kernels/run/device_no_cuda.cpp instead of kernels/run/device.cu.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace equipoise {

struct DeviceInfo {
  std::string name;
  int compute_major = 0, compute_minor = 0;
  int multiprocessors = 0;
  size_t memory = 0, free_memory = 0;  ///< bytes
  size_t shared_per_block_optin = 0;   ///< bytes of shared memory that one block may ask for
};

/// What this build and this machine can do.
struct DeviceReport {
  std::vector<DeviceInfo> devices;  ///< by device number
  std::string problem;              ///< why `devices` is empty; empty if it is not
  int driver_version = 0;           ///< 1000 * major + 10 * minor of the CUDA version the driver serves; 0: no driver
  int runtime_version = 0;          ///< likewise, of the runtime built in; 0 without CUDA
  bool built_with_cuda = false;
  std::string architectures;  ///< compute capabilities built for, such as "8.0, 9.0"
  std::string code;           ///< the same as CMake was told, which says what has binary code, such as "80-real, 90"
  std::vector<std::pair<std::string, std::string>> libraries;  ///< of the toolkit built with: name, version
};

/// Never throws for an absent driver or device: the report says so. Asking for the free memory starts CUDA on every
/// device, which takes a while; without, free_memory is 0.
DeviceReport device_report(bool ask_free_memory = true);

/// A CUDA call that failed. Unless it only lacked memory (OutOfDeviceMemory), the device cannot be used again in this
/// process: every later call throws at once, so that nothing computed after the failure is taken for a result.
class DeviceError : public std::runtime_error {
 public:
  DeviceError(std::string file, int line, std::string call, std::string text)
      : std::runtime_error(file + ":" + std::to_string(line) + ": " + call + ": " + text),
        file_(std::move(file)),
        call_(std::move(call)),
        text_(std::move(text)),
        line_(line) {}
  const std::string& file() const noexcept { return file_; }
  int line() const noexcept { return line_; }
  const std::string& call() const noexcept { return call_; }
  const std::string& text() const noexcept { return text_; }  ///< CUDA's own

 private:
  std::string file_, call_, text_;
  int line_;
};

/// The device only lacked memory: it is as it was before the call, and what asks for less may succeed.
class OutOfDeviceMemory : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// Bytes on a device, owned. Copies return when they are done, and need not wait for what other host threads have the
/// device do; each throws DeviceError.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(int device, size_t bytes);  ///< contents undefined; throws OutOfDeviceMemory where they are not there
  ~DeviceMemory();                         ///< never throws
  DeviceMemory(DeviceMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)), device_(other.device_) {}
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    if (this == &other) return *this;
    release();
    data_ = std::exchange(other.data_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    device_ = other.device_;
    return *this;
  }

  void upload(const void* from, size_t bytes, size_t offset = 0);
  void download(void* to, size_t bytes, size_t offset = 0) const;
  void clear(size_t bytes);  ///< zeroes the first `bytes`

  size_t bytes() const noexcept { return bytes_; }
  template <class T>
  T* as() const noexcept {
    return static_cast<T*>(data_);
  }

 private:
  void release() noexcept;
  void* data_ = nullptr;
  size_t bytes_ = 0;
  [[maybe_unused]] int device_ = 0;
};

/// Bytes of the host's that a device writes to without a copy in between, owned. Where the system pins no more pages
/// they are ordinary memory, to which copies take longer and are the same: no reason to end a run.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  PinnedMemory(int device, size_t bytes);  ///< contents undefined; throws DeviceError, and std::bad_alloc

  size_t bytes() const noexcept { return data_ ? bytes_ : 0; }
  template <class T>
  T* as() const noexcept {
    return static_cast<T*>(data_.get());
  }

 private:
  std::unique_ptr<void, void (*)(void*)> data_{nullptr, nullptr};  // with what frees it
  size_t bytes_ = 0;
};

/// Bytes that can be allocated on a device now. Throws DeviceError.
size_t device_free_memory(int device);

}  // namespace equipoise
