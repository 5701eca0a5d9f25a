// tests/ptx/phase_clocks.cpp - what the interpreter of phase_clocks.h has counted on the machine, whose clock counts
// instructions: modules of that name are "interpreter_clocked".
#include "kernels/run/phase_clocks.h"

#include <stdexcept>

#include "tests/ptx/gpu.h"

namespace equipoise {

namespace {

constexpr std::size_t kBytes = kClockedPhases * sizeof(PhaseClock);

uint64_t clocks_address() {
  for (const ptx::Variable& v : ptx::gpu_module("interpreter_clocked").variables)
    if (v.name.find("clocked_phases") != std::string::npos && v.bytes == kBytes) return v.address;
  throw std::runtime_error("the interpreter on the machine counts no clocks");
}

}  // namespace

std::vector<PhaseClock> phase_clocks(int) {
  const std::lock_guard alone(ptx::gpu_busy());
  std::vector<PhaseClock> all(kClockedPhases);
  ptx::gpu().memory.read(clocks_address(), all.data(), kBytes);
  return all;
}

void forget_phase_clocks(int) {
  const std::lock_guard alone(ptx::gpu_busy());
  const std::vector<PhaseClock> nothing(kClockedPhases);
  ptx::gpu().memory.write(clocks_address(), nothing.data(), kBytes);
}

}  // namespace equipoise
