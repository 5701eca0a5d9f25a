// tests/reference/train_step.h - MLDRL training: forward, a gradient a task, GradNorm, Adam on parameters and weights.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/reference/gradnorm.h"
#include "tests/reference/mldrl_backward.h"

namespace equipoise::reference {

/// One step as a record traces it; the vectors hold one entry a task in the order of kTaskNames.
struct StepTrace {
  std::vector<double> losses;   // raw
  std::vector<double> terms;    // reconstruction, divergence, inherent, variational, cross-entropy
  std::vector<double> weights;  // used in this step
  std::vector<double> norms;    // weight times the norm of the watched gradient
  std::vector<double> targets;  // the norms GradNorm aims at
  double gradnorm_loss = 0.0;
  bool finite = true;  // false: some loss or gradient was not finite, and the step changed nothing
};

/// The vector GradNorm takes the norm of.
inline std::vector<double> watched_gradient(const MldrlSettings& settings, const GradientByName& gradient) {
  return settings.gradnorm_over_form == OverForm::concatenated ? concatenated(gradient, settings.gradnorm_over)
                                                               : averaged(gradient, settings.gradnorm_over);
}

/// [3, 3] inner products of the raw task gradients over all weights and biases of the latent heads.
inline Matrix latent_heads_gram(const std::map<std::string, GradientByName>& gradients) {
  std::vector<std::vector<double>> rows;
  for (const std::string& task : kTaskNames) rows.push_back(concatenated(gradients.at(task), kLatentHeads));
  return gram(rows);
}

/// A model in training. A task without a row in a batch sits the step out: it does not enter GradNorm's means, and its
/// weight, the weight's moments and its L(0) wait for its first real loss; rescaling still touches every weight.
class Trainer {
 public:
  Trainer(MldrlSettings settings, MldrlParameters initial)
      : settings_(std::move(settings)),
        parameters_(std::move(initial)),
        task_weights_(settings_.initial_task_weights),
        weight_moments_(kTasks),
        first_loss_(kTasks, 0.0),
        has_first_loss_(kTasks, false) {
    if (task_weights_.size() != kTasks) throw std::invalid_argument("Trainer: three initial task weights are needed");
  }

  StepTrace step(const Batch& batch) {
    const Forward f = forward(settings_, parameters_, batch);
    const std::map<std::string, GradientByName> gradients = task_gradients(settings_, parameters_, batch, f);

    StepTrace trace;
    trace.losses.assign(f.losses.begin(), f.losses.end());
    trace.terms = {f.terms.reconstruction, f.terms.divergence, f.terms.inherent, f.terms.variational,
                   f.terms.cross_entropy};
    trace.weights = task_weights_;
    trace.finite = is_finite(f, gradients);
    if (!trace.finite) return trace;

    const GradNorm balance = balance_tasks(f, gradients);
    trace.norms = balance.norms;
    trace.targets = balance.targets;
    trace.gradnorm_loss = balance.loss;
    update_parameters(total_gradient(gradients));
    if (settings_.gradnorm) update_task_weights(balance, f);
    return trace;
  }

  const MldrlSettings& settings() const { return settings_; }
  const MldrlParameters& parameters() const { return parameters_; }
  const std::vector<double>& task_weights() const { return task_weights_; }

 private:
  static bool is_finite(const Forward& f, const std::map<std::string, GradientByName>& gradients) {
    for (double loss : f.losses) {
      if (!std::isfinite(loss)) return false;
    }
    for (const auto& [task, gradient] : gradients) {
      for (const auto& [name, g] : gradient) {
        if (!all_finite(g)) return false;
      }
    }
    return true;
  }

  GradNorm balance_tasks(const Forward& f, const std::map<std::string, GradientByName>& gradients) {
    std::vector<double> norms(kTasks);
    std::vector<double> ratios(kTasks);
    for (std::size_t i = 0; i < kTasks; ++i) {
      if (!f.present[i]) continue;
      norms[i] = norm(watched_gradient(settings_, gradients.at(kTaskNames[i])));
      const double loss = settings_.loss_ratio == LossRatio::weighted ? task_weights_[i] * f.losses[i] : f.losses[i];
      if (!has_first_loss_[i]) {
        first_loss_[i] = loss;
        has_first_loss_[i] = true;
      }
      ratios[i] = loss / first_loss_[i];
    }
    const std::vector<bool> present(f.present.begin(), f.present.end());
    return gradnorm(task_weights_, norms, ratios, present, settings_.alpha);
  }

  /// The gradient of loss_scale * sum w L.
  GradientByName total_gradient(const std::map<std::string, GradientByName>& gradients) const {
    GradientByName total;
    for (const auto& [name, value] : parameters_.by_name) {
      Matrix& sum = total.emplace(name, Matrix(value.rows, value.cols)).first->second;
      for (std::size_t i = 0; i < kTasks; ++i) {
        accumulate(sum, gradients.at(kTaskNames[i]).at(name), settings_.loss_scale * task_weights_[i]);
      }
    }
    return total;
  }

  void update_parameters(GradientByName total) {
    clip_global_norm(total, settings_.clip_norm);
    for (auto& [name, value] : parameters_.by_name) {
      adam_step(value, total.at(name), parameter_moments_[name], settings_.adam);
    }
  }

  void update_task_weights(const GradNorm& balance, const Forward& f) {
    AdamSettings adam = settings_.adam;
    adam.lr = settings_.task_lr;
    adam.weight_decay = 0.0;
    for (std::size_t i = 0; i < kTasks; ++i) {
      if (f.present[i]) task_weights_[i] = adam_step(task_weights_[i], balance.gradient[i], weight_moments_[i], adam);
    }
    if (settings_.renormalise_after_step) rescale_to_count(task_weights_);
  }

  MldrlSettings settings_;
  MldrlParameters parameters_;
  std::map<std::string, std::vector<AdamMoments>> parameter_moments_;
  std::vector<double> task_weights_;         // [3]
  std::vector<AdamMoments> weight_moments_;  // [3]
  std::vector<double> first_loss_;           // [3], L(0) or w(0) L(0)
  std::vector<bool> has_first_loss_;         // [3]
};

}  // namespace equipoise::reference
