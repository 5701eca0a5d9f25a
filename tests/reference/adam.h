// tests/reference/adam.h - Adam (Kingma and Ba 2015) in PyTorch's form, decoupled weight decay and norm clipping.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/reference/gram.h"

namespace equipoise::reference {

struct AdamSettings {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;  // decoupled (Loshchilov and Hutter 2019): value *= 1 - lr * weight_decay before the step
};

/// The state of one number; a number without a gradient in some step keeps its state, its step count included.
struct AdamMoments {
  double first = 0.0;
  double second = 0.0;
  int steps = 0;
};

/// One step of one number. The bias correction of the second moment is applied to its root and eps added after, as in
/// torch.optim.Adam.
inline double adam_step(double value, double gradient, AdamMoments& moments, const AdamSettings& settings) {
  moments.steps += 1;
  moments.first = settings.beta1 * moments.first + (1.0 - settings.beta1) * gradient;
  moments.second = settings.beta2 * moments.second + (1.0 - settings.beta2) * gradient * gradient;
  const double correction1 = 1.0 - std::pow(settings.beta1, moments.steps);
  const double correction2 = 1.0 - std::pow(settings.beta2, moments.steps);
  const double denominator = std::sqrt(moments.second) / std::sqrt(correction2) + settings.eps;
  return value * (1.0 - settings.lr * settings.weight_decay) - settings.lr / correction1 * moments.first / denominator;
}

/// One step of a whole tensor; moments is empty before the first.
inline void adam_step(Matrix& value, const Matrix& gradient, std::vector<AdamMoments>& moments,
                      const AdamSettings& settings) {
  require_same_shape(value, gradient);
  moments.resize(value.values.size());
  for (std::size_t i = 0; i < value.values.size(); ++i) {
    value.values[i] = adam_step(value.values[i], gradient.values[i], moments[i], settings);
  }
}

/// The norm of all tensors together before clipping; where it exceeds max_norm, everything is scaled by
/// max_norm / (norm + 1e-6), as torch.nn.utils.clip_grad_norm_ does. max_norm 0 clips nothing.
inline double clip_global_norm(GradientByName& gradient, double max_norm) {
  double squares = 0.0;
  for (const auto& [name, g] : gradient) squares += dot(g.values, g.values);
  const double total = std::sqrt(squares);
  const double factor = max_norm > 0.0 ? std::min(1.0, max_norm / (total + 1e-6)) : 1.0;
  for (auto& [name, g] : gradient) {
    for (double& v : g.values) v *= factor;
  }
  return total;
}

}  // namespace equipoise::reference
