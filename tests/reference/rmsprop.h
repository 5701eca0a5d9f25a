// tests/reference/rmsprop.h - RMSProp (Tieleman and Hinton 2012) with momentum, in PyTorch's form.
#pragma once

#include <cmath>
#include <vector>

#include "tests/reference/matrix.h"

namespace equipoise::reference {

struct RmsPropSettings {
  double lr = 3e-4;
  double smoothing = 0.99;  // torch.optim.RMSprop calls it alpha
  double eps = 1e-8;
  double momentum = 0.0;
  double weight_decay = 0.0;  // decoupled as in adam.h; torch.optim.RMSprop adds it to the gradient instead
};

/// The state of one number.
struct RmsPropMoments {
  double mean_square = 0.0;
  double velocity = 0.0;
};

/// One step of one number; eps is added to the root.
inline double rmsprop_step(double value, double gradient, RmsPropMoments& moments, const RmsPropSettings& settings) {
  moments.mean_square = settings.smoothing * moments.mean_square + (1.0 - settings.smoothing) * gradient * gradient;
  const double scaled = gradient / (std::sqrt(moments.mean_square) + settings.eps);
  moments.velocity = settings.momentum * moments.velocity + scaled;
  return value * (1.0 - settings.lr * settings.weight_decay) - settings.lr * moments.velocity;
}

/// One step of a whole tensor; moments is empty before the first.
inline void rmsprop_step(Matrix& value, const Matrix& gradient, std::vector<RmsPropMoments>& moments,
                         const RmsPropSettings& settings) {
  require_same_shape(value, gradient);
  moments.resize(value.values.size());
  for (std::size_t i = 0; i < value.values.size(); ++i) {
    value.values[i] = rmsprop_step(value.values[i], gradient.values[i], moments[i], settings);
  }
}

}  // namespace equipoise::reference
