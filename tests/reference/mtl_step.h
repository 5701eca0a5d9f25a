// tests/reference/mtl_step.h - multi-task training: forward, a gradient a task, GradNorm, Adam.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/reference/mtl.h"
#include "tests/reference/mtl_weights.h"

namespace equipoise::reference {

struct MtlSettings {
  MtlNetwork network;
  double loss_scale = 1.0;                 // total = loss_scale * sum w L
  std::vector<std::string> gradnorm_over;  // parameter names, end to end
  TaskWeightSettings weights;
  AdamSettings adam;
};

/// One step as a record traces it, one entry a task.
struct MtlTrace {
  std::vector<double> losses;       // unweighted
  std::vector<double> weights;      // used in this step
  std::vector<double> raw_weights;  // before scaling in the loss
  GradNorm balance;
  bool finite = true;  // false: some loss or gradient was not finite, and the step changed nothing
};

class MtlTrainer {
 public:
  MtlTrainer(MtlSettings settings, MtlParameters initial)
      : settings_(std::move(settings)), parameters_(std::move(initial)), weights_(settings_.weights) {
    if (weights_.raw().size() != settings_.network.tasks.size()) {
      throw std::invalid_argument("MtlTrainer: one initial weight a task is needed");
    }
  }

  MtlTrace step(const MtlBatch& batch) {
    const MtlForward f = mtl_forward(settings_.network, parameters_, batch);
    const std::vector<GradientByName> gradients = mtl_task_gradients(settings_.network, parameters_, f);
    MtlTrace trace;
    std::vector<bool> present;
    std::vector<double> norms;
    for (std::size_t k = 0; k < gradients.size(); ++k) {
      trace.losses.push_back(f.tasks[k].loss);
      present.push_back(f.tasks[k].labelled);
      norms.push_back(norm(concatenated(gradients[k], settings_.gradnorm_over)));
      trace.finite = trace.finite && std::isfinite(f.tasks[k].loss) && is_finite(gradients[k]);
    }
    trace.weights = weights_.used();
    trace.raw_weights = weights_.raw();
    if (!trace.finite) return trace;
    trace.balance = weights_.step(trace.losses, norms, present);
    update_parameters(trace.weights, gradients);
    return trace;
  }

  const MtlParameters& parameters() const { return parameters_; }
  const std::vector<double>& raw_weights() const { return weights_.raw(); }

 private:
  static bool is_finite(const GradientByName& gradient) {
    return std::all_of(gradient.begin(), gradient.end(), [](const auto& entry) { return all_finite(entry.second); });
  }

  void update_parameters(const std::vector<double>& weights, const std::vector<GradientByName>& gradients) {
    for (auto& [name, value] : parameters_.by_name) {
      Matrix total(value.rows, value.cols);
      for (std::size_t k = 0; k < gradients.size(); ++k) {
        accumulate(total, gradients[k].at(name), settings_.loss_scale * weights[k]);
      }
      adam_step(value, total, moments_[name], settings_.adam);
    }
  }

  MtlSettings settings_;
  MtlParameters parameters_;
  TaskWeights weights_;
  std::map<std::string, std::vector<AdamMoments>> moments_;
};

}  // namespace equipoise::reference
