// tests/cuda/emulated_device.h - a device made of host memory and host threads, which stands in for
// kernels/run/device.h and kernels/run/interpreter_launch.h at link time: the CUDA executor and the cutting of a thread
// block are tested on any machine. There are two of them, and a launch on one fails that is given memory of the other.
#pragma once

#include <cstddef>
#include <vector>

namespace equipoise::test {

/// The next launch leaves its work half done and fails as a device error does.
void fail_next_launch();
/// One launch: its programs with steps to do, its replicas, the threads of each block, and whether the kernel was made
/// for its programs.
struct Launched {
  int programs, replicas, threads;
  bool made = false;
};
/// What kernels are compiled for from now on; "", as at first: none can be loaded. Whatever the code is, a made kernel
/// does what the interpreter does; code of less than 8 bytes is not the device's.
void emulate_made_kernels(const char* target);
/// Bytes that were copied from the device since the last call.
size_t bytes_downloaded();
/// Likewise those of them that landed in PinnedMemory.
size_t bytes_landed_pinned();
/// Every launch since the last call.
std::vector<Launched> launches();
/// From now on an allocation fails that would make the device hold more bytes than these. What the device says is free
/// does not tell, as where another process takes memory in the meantime.
void limit_memory(size_t bytes);
/// What the device is from now on, at first of compute capability 9.0, and what the build has code for, at first "90".
void emulate(int compute_major, int compute_minor, const char* code);
/// Bytes that the device held at most since the last call, and allocations that failed since.
struct MemoryUse {
  size_t most;
  int refused;
};
MemoryUse memory_use();
/// Shared memory of a block of the emulated device, in bytes.
inline constexpr int kEmulatedSharedMemory = 227 * 1024;

}  // namespace equipoise::test
