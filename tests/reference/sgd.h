// tests/reference/sgd.h - gradient descent with momentum in PyTorch's form: the velocity holds no learning rate.
#pragma once

#include <vector>

#include "tests/reference/matrix.h"

namespace equipoise::reference {

struct SgdSettings {
  double lr = 1e-2;
  double momentum = 0.0;
  double weight_decay = 0.0;  // decoupled as in adam.h; torch.optim.SGD adds it to the gradient instead
};

/// One step of one number, whose velocity is 0 before the first; without dampening and without Nesterov's look-ahead.
inline double sgd_step(double value, double gradient, double& velocity, const SgdSettings& settings) {
  velocity = settings.momentum * velocity + gradient;
  return value * (1.0 - settings.lr * settings.weight_decay) - settings.lr * velocity;
}

/// One step of a whole tensor; velocity is empty before the first.
inline void sgd_step(Matrix& value, const Matrix& gradient, std::vector<double>& velocity,
                     const SgdSettings& settings) {
  require_same_shape(value, gradient);
  velocity.resize(value.values.size());
  for (std::size_t i = 0; i < value.values.size(); ++i) {
    value.values[i] = sgd_step(value.values[i], gradient.values[i], velocity[i], settings);
  }
}

}  // namespace equipoise::reference
