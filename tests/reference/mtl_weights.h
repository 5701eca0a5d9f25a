// tests/reference/mtl_weights.h - GradNorm's task weights from step to step, with the habits of published programs.
#pragma once

#include <vector>

#include "tests/reference/adam.h"
#include "tests/reference/gradnorm.h"
#include "tests/reference/mldrl_settings.h"

namespace equipoise::reference {

enum class Renormalise {
  none,
  after_step,  // the weights are scaled to sum K after every step
  in_loss      // the weights stay as Adam left them; losses use them scaled to sum K, from the second step on
};

struct TaskWeightSettings {
  std::vector<double> initial;  // [K]; the first step uses them as given in every form
  double alpha = 0.16;
  LossRatio loss_ratio = LossRatio::raw;
  Renormalise renormalise = Renormalise::after_step;
  bool restart_adam = false;      // true: every step begins with fresh moments and so moves each weight by about lr
  AdamSettings adam{.lr = 1e-3};  // without decay
};

/// A task that is not present in a step keeps its weight, its moments and its L(0); scaling still reaches every weight.
class TaskWeights {
 public:
  explicit TaskWeights(TaskWeightSettings settings)
      : settings_(std::move(settings)),
        raw_(settings_.initial),
        moments_(raw_.size()),
        first_loss_(raw_.size(), 0.0),
        has_first_loss_(raw_.size(), false) {}

  const std::vector<double>& raw() const { return raw_; }

  /// What the losses are multiplied by in the coming step.
  std::vector<double> used() const {
    std::vector<double> weights = raw_;
    if (scaled_in_loss()) rescale_to_count(weights);
    return weights;
  }

  /// From the unweighted losses and the norms of their gradients; moves the weights. Their derivative is that of the
  /// GradNorm loss by the weights alone, the scaling of in_loss included once it has begun.
  GradNorm step(const std::vector<double>& losses, const std::vector<double>& gradient_norms,
                const std::vector<bool>& present) {
    const std::vector<double> weights = used();
    GradNorm balance = gradnorm(weights, gradient_norms, ratios(weights, losses, present), present, settings_.alpha);
    const std::vector<double> gradient =
        scaled_in_loss() ? gradient_before_rescaling(raw_, balance.gradient) : balance.gradient;
    for (std::size_t k = 0; k < raw_.size(); ++k) {
      if (!present[k]) continue;
      if (settings_.restart_adam) moments_[k] = {};
      raw_[k] = adam_step(raw_[k], gradient[k], moments_[k], settings_.adam);
    }
    if (settings_.renormalise == Renormalise::after_step) rescale_to_count(raw_);
    started_ = true;
    return balance;
  }

 private:
  bool scaled_in_loss() const { return started_ && settings_.renormalise == Renormalise::in_loss; }

  std::vector<double> ratios(const std::vector<double>& weights, const std::vector<double>& losses,
                             const std::vector<bool>& present) {
    std::vector<double> ratio(raw_.size(), 0.0);
    for (std::size_t k = 0; k < raw_.size(); ++k) {
      if (!present[k]) continue;
      const double loss = settings_.loss_ratio == LossRatio::weighted ? weights[k] * losses[k] : losses[k];
      if (!has_first_loss_[k]) first_loss_[k] = loss;
      has_first_loss_[k] = true;
      ratio[k] = loss / first_loss_[k];
    }
    return ratio;
  }

  TaskWeightSettings settings_;
  std::vector<double> raw_;           // [K]
  std::vector<AdamMoments> moments_;  // [K]
  std::vector<double> first_loss_;    // [K], L(0) or w(0) L(0)
  std::vector<bool> has_first_loss_;  // [K]
  bool started_ = false;
};

}  // namespace equipoise::reference
