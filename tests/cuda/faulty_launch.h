// tests/cuda/faulty_launch.h - a launcher that stands in for kernels/run/interpreter.cu at link time and plants a
// fault.
#pragma once

namespace equipoise::test {

enum class Fault {
  none,
  race,           ///< the barrier after the first phase is left out: for racecheck
  out_of_bounds,  ///< a write just past a buffer: for memcheck
  uninitialised,  ///< a read of memory that nothing wrote: for initcheck
  divergence,     ///< a barrier that half a warp does not reach: for synccheck
  wrong_result,   ///< the lowest bit of one parameter is flipped: for the comparison with the CPU
};

/// Every later launch carries this fault.
void plant(Fault fault);

}  // namespace equipoise::test
