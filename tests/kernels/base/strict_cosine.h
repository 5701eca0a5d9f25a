// tests/kernels/base/strict_cosine.h - the cosine that lies in strict_sin: nothing needs it yet, but its polynomial
// gives the sine of every second quarter turn, and is easiest to hold against its bound alone.
#pragma once

#include "kernels/base/strict_math.h"

namespace equipoise::test {

/// Cosine of x radians. Bound: 1.25 ulp for |x| <= 1e4; NaN beyond, where the reduction would lose bits.
EQ_FN float strict_cos(float x) {
  const strict_detail::SineCosine a =
      strict_detail::quarter_radians(bits_as<float>(bits_as<uint32_t>(x) & 0x7fffffffu));
  return strict_detail::pick(a, a.quadrant + 1u);
}

}  // namespace equipoise::test
