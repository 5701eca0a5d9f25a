// host/data/transform.h - functions that bring a skewed column nearer to a normal one before it is standardised.
#pragma once

#include <span>
#include <string_view>

namespace equipoise {

struct Transform {
  std::string_view name;
  double (*forward)(double);
  double (*inverse)(double);
  bool (*defined)(double);       ///< where forward is finite for finite values
  std::string_view defined_for;  ///< in words
};

/// log1p, log, sqrt, with equal bits on every machine (kernels/base/strict_math.h).
std::span<const Transform> transforms();
/// By name; null if there is none.
const Transform* find_transform(std::string_view name);

}  // namespace equipoise
