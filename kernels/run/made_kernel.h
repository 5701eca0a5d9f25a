// kernels/run/made_kernel.h - kernels that were made for their programs (engine/generate): loaded on a device, and
// launched there in the interpreter's place. No CUDA type appears here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/program/launch.h"

namespace equipoise {

/// The device cannot use the code, as where its driver is older than the compiler. Nothing else has happened.
class UnusableCode : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A loaded kernel. It stays loaded while it lives.
class MadeKernel {
 public:
  virtual ~MadeKernel() = default;
  /// As launch_program (kernels/run/interpreter_launch.h), for launches of the programs that the kernel was made for,
  /// on blocks of the threads that it was made for. Throws DeviceError.
  virtual void launch(const Launch& launch, int64_t fast_floats) = 0;
};

/// What a kernel is compiled for to run on a device, such as "sm_90"; empty where none can be loaded.
std::string made_kernel_target(int device);

/// Loads a kernel of that name. Throws UnusableCode, and DeviceError.
std::unique_ptr<MadeKernel> load_made_kernel(int device, const std::vector<std::byte>& code, const std::string& name,
                                             int threads);

}  // namespace equipoise
