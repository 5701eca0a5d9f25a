// engine/run/device_programs.h - programs whose arrays lie on a device, known again by their contents.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/lower/lower.h"
#include "engine/run/launch_pacer.h"
#include "kernels/run/device.h"

namespace equipoise {

template <class T>
DeviceMemory uploaded(int device, const std::vector<T>& values) {
  DeviceMemory memory(device, values.size() * sizeof(T));
  memory.upload(values.data(), values.size() * sizeof(T));
  return memory;
}

struct DeviceProgram {
  std::vector<std::byte> contents;
  DeviceMemory operations, phases, residents;
  LaunchPacer pacer;

  size_t bytes() const { return operations.bytes() + phases.bytes() + residents.bytes(); }
};

/// The programs that were used last.
class DevicePrograms {
 public:
  explicit DevicePrograms(int device) : device_(device) {}
  /// The program on the device; it stays there until eight others have been asked for.
  DeviceProgram& load(const Program& program);
  /// What all of them take on the device.
  size_t bytes() const;

 private:
  int device_;
  std::vector<std::unique_ptr<DeviceProgram>> programs_;  // the last used comes first
};

}  // namespace equipoise
