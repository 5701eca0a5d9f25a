// tests/reference/gradnorm.h - GradNorm (Chen et al. 2018): task weights that even out gradient norms.
#pragma once

#include <cmath>
#include <stdexcept>
#include <vector>

namespace equipoise::reference {

/// One entry a task everywhere. A task with present = false sits the step out: it enters no mean and all that
/// belongs to it is zero.
struct GradNorm {
  std::vector<double> norms;     // w_i n_i
  std::vector<double> rates;     // r_i, before the power
  std::vector<double> targets;   // mean(w n) r_i^alpha
  std::vector<double> gradient;  // of loss by w_i, with the targets held constant: sign(w_i n_i - t_i) n_i
  double loss = 0.0;             // sum |w_i n_i - t_i|
};

/// r_i = ratio_i over the signed mean of the ratios, never below 0. A mean that is not a positive finite number (losses
/// in difference form can be negative, a first loss can be zero) gives no rates, and all are 1.
inline std::vector<double> training_rates(const std::vector<double>& ratios, const std::vector<bool>& present) {
  double sum = 0.0;
  double count = 0.0;
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    if (!present[i]) continue;
    sum += ratios[i];
    count += 1.0;
  }
  const double mean = sum / count;
  std::vector<double> rates(ratios.size(), 0.0);
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    if (!present[i]) continue;
    rates[i] = mean > 0.0 && std::isfinite(mean) ? std::fmax(ratios[i] / mean, 0.0) : 1.0;
  }
  return rates;
}

/// weights w, gradient_norms n (of the unweighted losses) and ratios L(t) / L(0), [K] each.
inline GradNorm gradnorm(const std::vector<double>& weights, const std::vector<double>& gradient_norms,
                         const std::vector<double>& ratios, const std::vector<bool>& present, double alpha) {
  const std::size_t tasks = weights.size();
  GradNorm g{std::vector<double>(tasks), training_rates(ratios, present), std::vector<double>(tasks),
             std::vector<double>(tasks), 0.0};
  double sum = 0.0;
  double count = 0.0;
  for (std::size_t i = 0; i < tasks; ++i) {
    if (!present[i]) continue;
    g.norms[i] = weights[i] * gradient_norms[i];
    sum += g.norms[i];
    count += 1.0;
  }
  for (std::size_t i = 0; i < tasks; ++i) {
    if (!present[i]) continue;
    g.targets[i] = sum / count * std::pow(g.rates[i], alpha);
    const double excess = g.norms[i] - g.targets[i];
    g.loss += std::fabs(excess);
    g.gradient[i] = excess > 0.0 ? gradient_norms[i] : excess < 0.0 ? -gradient_norms[i] : 0.0;
  }
  return g;
}

/// Scales the weights to sum to their number; throws std::domain_error where their sum is not positive.
inline void rescale_to_count(std::vector<double>& weights) {
  double sum = 0.0;
  for (double w : weights) sum += w;
  if (!(sum > 0.0)) throw std::domain_error("rescale_to_count: the task weights have no positive sum");
  for (double& w : weights) w *= static_cast<double>(weights.size()) / sum;
}

/// The derivative by raw weights w from that by the weights u = c w in use, c = K / sum w: weights that are rescaled
/// only where the losses use them. c depends on every w, so d/dw_k = c (d_k - sum_j d_j w_j / sum w).
inline std::vector<double> gradient_before_rescaling(const std::vector<double>& raw,
                                                     const std::vector<double>& by_used) {
  double sum = 0.0;
  double pulled = 0.0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    sum += raw[i];
    pulled += by_used[i] * raw[i];
  }
  std::vector<double> gradient(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    gradient[i] = static_cast<double>(raw.size()) / sum * (by_used[i] - pulled / sum);
  }
  return gradient;
}

}  // namespace equipoise::reference
