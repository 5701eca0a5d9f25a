// kernels/gradnorm.h - GradNorm (Chen et al. 2018, algorithm 1), on the device, from gradient norms alone.
//   n_i = w_i |g_i|,  r_i = (L_i / L_i(0)) / mean,  t_i = mean(n) r_i^alpha,  loss = sum |n_i - t_i|
//   d loss / d w_i = sign(n_i - t_i) |g_i|, then Adam on w and, if asked, rescaling to sum K.
// The mean of the ratios keeps its sign; a negative r counts as 0, and if the mean is not positive every r is 1. A task
// that has no loss in this batch sits the step out. Targets are constants to the derivative, as in the paper.
#pragma once

#include "kernels/memory.h"
#include "kernels/strict_math.h"

namespace equipoise {

/// No step of Adam takes a task weight below this: a negative one would have its loss maximised, and weights of both
/// signs would explode when they are rescaled to their sum. The paper takes weights to be positive.
inline constexpr double kMinTaskWeight = 1e-6;

struct AdamSettings {
  double lr, beta1, beta2, eps;
};

/// One Adam update of a float64 scalar (Kingma and Ba 2015); powers are beta^t of this step. Returns the new value.
EQ_FN double adam_scalar(const AdamSettings& s, double value, double gradient, double& m, double& v, double power1,
                         double power2) {
  m = s.beta1 * m + (1.0 - s.beta1) * gradient;
  v = s.beta2 * v + (1.0 - s.beta2) * (gradient * gradient);
  const double root = sqrt(v) / sqrt(1.0 - power2) + s.eps;
  return value - s.lr / (1.0 - power1) * (m / root);
}

struct GradNorm {
  int32_t tasks;
  LossRatio ratio;
  Normalise normalise;

  template <class Team>
  EQ_FN int units(const Context&) const {
    return 1;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int) const {
    Control& k = *c.control;
    if (!k.finite) return;
    targets(c);
    step(c);
  }

  /// L_i, or w_i L_i: what the ratio to the first step is made of.
  EQ_FN double measured_loss(const Control& k, int i) const {
    return ratio == LossRatio::weighted ? k.used_weights[i] * k.losses[i] : k.losses[i];
  }

  EQ_FN void targets(const Context& c) const {
    Control& k = *c.control;
    double sum_norm = 0, sum_ratio = 0;
    int present = 0;
    for (int i = 0; i < tasks; ++i) {
      if (!k.present[i]) continue;
      if (!k.has_first_loss[i]) {
        k.first_loss[i] = measured_loss(k, i);
        k.has_first_loss[i] = 1;
      }
      sum_ratio += measured_loss(k, i) / k.first_loss[i];
      sum_norm += k.norms[i];
      ++present;
    }
    const double mean_ratio = sum_ratio / present, mean_norm = sum_norm / present;
    const bool rates = mean_ratio > 0 && mean_ratio - mean_ratio == 0.0;  // else a first loss was zero, or signs cancel
    k.gradnorm_loss = 0;
    for (int i = 0; i < tasks; ++i) {
      k.targets[i] = 0;
      if (!k.present[i]) continue;
      // The ratio is formed again: an array of them, indexed at run time, would live in a GPU's slow local memory.
      const double rate = rates ? measured_loss(k, i) / k.first_loss[i] / mean_ratio : 1.0;
      k.targets[i] = mean_norm * strict_pow(rate > 0 ? rate : 0.0, c.settings->alpha);
      const double off = k.norms[i] - k.targets[i];
      k.gradnorm_loss += off < 0 ? -off : off;
    }
  }

  EQ_FN void step(const Context& c) const {
    Control& k = *c.control;
    const Settings& s = *c.settings;
    const AdamSettings adam{s.task_lr, s.beta1, s.beta2, s.eps};
    double sum = 0;
    for (int i = 0; i < tasks; ++i) {
      if (k.present[i]) {
        const double off = k.norms[i] - k.targets[i];
        const double sign = off > 0 ? 1.0 : (off < 0 ? -1.0 : 0.0);
        k.task_beta1_power[i] *= s.beta1;
        k.task_beta2_power[i] *= s.beta2;
        const double next = adam_scalar(adam, k.weights[i], sign * sqrt(k.gram[i * tasks + i]), k.task_moment1[i],
                                        k.task_moment2[i], k.task_beta1_power[i], k.task_beta2_power[i]);
        k.weights[i] = next < kMinTaskWeight ? kMinTaskWeight : next;
      }
      sum += k.weights[i];
    }
    if (normalise == Normalise::after_step && sum > 0)  // weights without a positive sum cannot be rescaled
      for (int i = 0; i < tasks; ++i) k.weights[i] *= tasks / sum;
  }
};

}  // namespace equipoise
