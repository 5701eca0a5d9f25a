// kernels/run/interpreter_launch.h - starts the interpreter on a CUDA device: one thread block per replica. No CUDA
// type appears here.
#pragma once

#include <cstdint>

#include "kernels/program/launch.h"

namespace equipoise {

/// Threads of a block at most: for so many the interpreter keeps all its values in registers, 65536 / 384 = 170 each.
inline constexpr int kBlockThreads = 384;
/// Registers of a thread: those 170, in the steps of 8 in which they are handed out.
inline constexpr int kThreadRegisters = 168;

/// Floats of shared memory that a block of the interpreter may use on a device. Throws DeviceError.
int64_t device_fast_floats(int device);

/// Runs a launch whose pointers all lie on the device, beside those of other host threads, and returns when it is done.
/// `threads` is a multiple of 32, at most kBlockThreads; results do not depend on it. Throws DeviceError.
void launch_program(int device, const Launch& launch, int64_t fast_floats, int threads);

}  // namespace equipoise
