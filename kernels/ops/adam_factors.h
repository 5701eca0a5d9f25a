// kernels/ops/adam_factors.h - what Adam multiplies by in a step, made once: every parameter's unit would else take
// four divisions and roots in float64. Floor: one unit.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/strict_math.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// Rounded from float64.
struct AdamNumbers {
  float step;        // lr / (1 - beta1^t)
  float root_scale;  // 1 / sqrt(1 - beta2^t)
  float rest1, rest2, beta2;  // 1 - beta1, 1 - beta2
  float eps;
  float keep;  // 1 - lr weight_decay
  float none;  // fills a second 16 bytes
};
inline constexpr int kAdamNumbers = sizeof(AdamNumbers) / sizeof(float);

/// to = the factors of the step that control is in.
struct AdamFactors {
  Place to;  // [kAdamNumbers], overwritten
  EQ_FIELDS(to)

  template <class Team>
  EQ_FN int units(const Context&) const {
    return 1;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int) const {
    const Settings& s = *c.settings;
    const double power1 = c.control->beta1_power * s.beta1, power2 = c.control->beta2_power * s.beta2;
    const AdamNumbers made{.step = static_cast<float>(s.lr / (1.0 - power1)),
                           .root_scale = static_cast<float>(1.0 / sqrt(1.0 - power2)),
                           .rest1 = static_cast<float>(1.0 - s.beta1),
                           .rest2 = static_cast<float>(1.0 - s.beta2),
                           .beta2 = static_cast<float>(s.beta2),
                           .eps = static_cast<float>(s.eps),
                           .keep = static_cast<float>(1.0 - s.lr * s.weight_decay),
                           .none = 0.0f};
    __builtin_memcpy(c.floats(to), &made, sizeof made);
  }
};

/// What stands at a place that AdamFactors has written.
EQ_FN AdamNumbers adam_numbers(const Context& c, Place at) {
  AdamNumbers numbers;
  __builtin_memcpy(&numbers, c.floats(at), sizeof numbers);
  return numbers;
}

}  // namespace equipoise
