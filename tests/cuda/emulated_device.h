// tests/cuda/emulated_device.h - a device made of host memory and host threads, which stands in for
// kernels/run/device.h and kernels/run/interpreter_launch.h at link time: the CUDA executor and the cutting of a thread
// block are tested on any machine.
#pragma once

#include <vector>

namespace equipoise::test {

/// The next launch leaves its work half done and fails as a device error does.
void fail_next_launch();
/// Programs with steps to do, launch by launch, since the last call.
std::vector<int> programs_launched();
/// Shared memory of a block of the emulated device, in bytes.
inline constexpr int kEmulatedSharedMemory = 227 * 1024;

}  // namespace equipoise::test
