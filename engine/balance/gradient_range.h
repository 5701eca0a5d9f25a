// engine/balance/gradient_range.h - gradients of any size in float32, which the kernels read.
#pragma once

#include <string>
#include <vector>

#include "engine/files/safetensors.h"

namespace equipoise {

/// Numbers that are 2^exponent times `values`.
struct ScaledFloats {
  std::vector<float> values;
  int exponent = 0;
};

/// Gradients [K, D] in float32. Where float64 values lie beyond its range, or so near to zero that it would lose
/// digits, all tasks' are scaled by one power of two: nothing but the rounding to 24 bits is changed, and `exponent`
/// undoes it. Else as finite_floats, with exponent 0. Throws Error(data) naming `what` as that does, and for tasks
/// whose gradients lie so far apart, or so far out, that no common scale holds them or their squares.
ScaledFloats scaled_gradients(const StoredTensor& gradients, const std::string& what);

}  // namespace equipoise
