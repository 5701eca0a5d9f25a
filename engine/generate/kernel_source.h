// engine/generate/kernel_source.h - CUDA source of a kernel made for the programs of one launch: the interpreter's
// bodies, with every operation a constant. Bits are the interpreter's.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/lower/program.h"

namespace equipoise {

/// The kernel's name in what is compiled of the source.
inline constexpr char kMadeKernel[] = "run_made";

/// How every source begins.
inline constexpr std::string_view kMadeSource = "// A kernel that Equipoise made for one model:";

/// The source of a kernel that runs launches of these programs, in this order, on blocks of `threads` threads. It
/// includes kernels/run/generated.cuh and nothing else. What balances is the first program's, as in a launch.
std::string kernel_source(std::span<const Program* const> programs, int threads);

}  // namespace equipoise
