// kernels/balance/task_adam.h - Adam (Kingma and Ba 2015) on one float64 scalar of the balancing state.
//   m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  value - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
// Floor: two square roots and three divisions a scalar.
#pragma once

#include <cmath>

#include "kernels/base/fn.h"

namespace equipoise {

struct AdamSettings {
  double lr, beta1, beta2, eps;
};

/// One Adam update of a float64 scalar; m and v are its moments, powers are beta^t of this step. Returns the new value.
EQ_FN double adam_scalar(const AdamSettings& s, double value, double gradient, double& m, double& v, double power1,
                         double power2) {
  m = s.beta1 * m + (1.0 - s.beta1) * gradient;
  v = s.beta2 * v + (1.0 - s.beta2) * (gradient * gradient);
  const double root = sqrt(v) / sqrt(1.0 - power2) + s.eps;
  return value - s.lr / (1.0 - power1) * (m / root);
}

}  // namespace equipoise
