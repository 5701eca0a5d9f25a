// tests/reference/mtl.h - a multi-task network: a shared trunk of hidden layers, then one tower a task.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/reference/mldrl_backward.h"
#include "tests/reference/mtl_losses.h"

namespace equipoise::reference {

using MtlParameters = MldrlParameters;  // weights [out, in] and biases [1, out] by name

struct MtlTask {
  std::string name;
  TargetKind kind = TargetKind::regression;
  std::vector<std::string> layers;         // of its tower, input side first; the last one has no activation
  std::vector<double> class_weights = {};  // [classes], or empty for all ones
};

struct MtlNetwork {
  std::vector<std::string> trunk;  // shared layers, input side first, each with activation and dropout
  std::vector<MtlTask> tasks;
  Activation hidden_activation = Activation::relu;
  double dropout = 0.0;  // share of hidden units dropped in training
};

/// 1 where a hidden unit is kept, 0 where it is dropped, [batch, out], by layer name; a layer without a mask (as in
/// evaluation) passes everything unscaled.
using MtlMasks = std::map<std::string, Matrix>;

struct MtlBatch {
  Matrix x;                    // [batch, features]
  std::vector<Matrix> target;  // one a task: [batch, outputs] or [batch, 1] class numbers; NaN where missing
  MtlMasks kept;
};

struct MtlLayerPass {
  std::string layer;
  bool hidden;    // with activation and dropout
  Matrix input;   // [batch, in]
  Matrix before;  // [batch, out], before the activation
  Matrix scale;   // [batch, out], of dropout: 0 or 1 / (1 - dropout)
  Matrix output;  // [batch, out]
};

using MtlStackPass = std::vector<MtlLayerPass>;

struct MtlForward {
  MtlStackPass trunk;
  std::vector<MtlStackPass> towers;  // one a task
  std::vector<TargetLoss> tasks;     // one a task, unweighted

  const Matrix& prediction(std::size_t task) const { return towers[task].back().output; }
};

/// Inverted dropout (Srivastava et al. 2014, scaled in training): what is kept is multiplied by 1 / (1 - dropout).
inline Matrix dropout_scale(const MtlNetwork& network, const MtlMasks& kept, const std::string& layer,
                            const Matrix& like) {
  const auto mask = kept.find(layer);
  if (mask == kept.end()) return Matrix(like.rows, like.cols, 1.0);
  require_same_shape(mask->second, like);
  Matrix scale = mask->second;
  for (double& s : scale.values) s /= 1.0 - network.dropout;
  return scale;
}

inline Matrix entrywise_product(Matrix a, const Matrix& b) {
  require_same_shape(a, b);
  for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] *= b.values[i];
  return a;
}

inline MtlLayerPass mtl_layer(const MtlNetwork& network, const MtlParameters& parameters, const MtlMasks& kept,
                              const std::string& layer, bool hidden, const Matrix& input) {
  MtlLayerPass pass{layer, hidden, input, apply_linear(parameters, layer, input), {}, {}};
  if (!hidden) {
    pass.output = pass.before;
    return pass;
  }
  pass.scale = dropout_scale(network, kept, layer, pass.before);
  pass.output = entrywise_product(activate(network.hidden_activation, pass.before), pass.scale);
  return pass;
}

inline MtlForward mtl_forward(const MtlNetwork& network, const MtlParameters& parameters, const MtlBatch& batch) {
  MtlForward f;
  Matrix shared = batch.x;
  for (const std::string& layer : network.trunk) {
    f.trunk.push_back(mtl_layer(network, parameters, batch.kept, layer, true, shared));
    shared = f.trunk.back().output;
  }
  for (std::size_t k = 0; k < network.tasks.size(); ++k) {
    const MtlTask& task = network.tasks[k];
    MtlStackPass tower;
    for (const std::string& layer : task.layers) {
      const bool hidden = layer != task.layers.back();
      tower.push_back(
          mtl_layer(network, parameters, batch.kept, layer, hidden, tower.empty() ? shared : tower.back().output));
    }
    f.towers.push_back(std::move(tower));
    f.tasks.push_back(target_loss(task.kind, f.prediction(k), batch.target.at(k), task.class_weights));
  }
  return f;
}

/// Adds the parameter gradients of a stack of layers and returns the derivative by its input.
inline Matrix mtl_stack_backward(const MtlNetwork& network, const MtlParameters& parameters, const MtlStackPass& stack,
                                 Matrix derivative, GradientByName& gradient) {
  for (auto pass = stack.rbegin(); pass != stack.rend(); ++pass) {
    if (pass->hidden) {
      derivative = activation_backward(network.hidden_activation, pass->before,
                                       entrywise_product(std::move(derivative), pass->scale));
    }
    derivative = layer_backward(parameters, pass->layer, pass->input, derivative, gradient);
  }
  return derivative;
}

/// One a task: the gradient of its unweighted loss by every parameter, zeros where the task does not reach.
inline std::vector<GradientByName> mtl_task_gradients(const MtlNetwork& network, const MtlParameters& parameters,
                                                      const MtlForward& f) {
  std::vector<GradientByName> gradients;
  for (std::size_t k = 0; k < network.tasks.size(); ++k) {
    GradientByName gradient;
    for (const auto& [name, value] : parameters.by_name) gradient.emplace(name, Matrix(value.rows, value.cols));
    Matrix shared = mtl_stack_backward(network, parameters, f.towers[k], f.tasks[k].gradient, gradient);
    mtl_stack_backward(network, parameters, f.trunk, std::move(shared), gradient);
    gradients.push_back(std::move(gradient));
  }
  return gradients;
}

/// [K, K] inner products of the task gradients over the named parameters.
inline Matrix mtl_gram(const std::vector<GradientByName>& gradients, const std::vector<std::string>& over) {
  std::vector<std::vector<double>> rows;
  for (const GradientByName& gradient : gradients) rows.push_back(concatenated(gradient, over));
  return gram(rows);
}

/// Weights and biases of the trunk.
inline std::vector<std::string> mtl_shared_parameters(const MtlNetwork& network) {
  std::vector<std::string> names;
  for (const std::string& layer : network.trunk) {
    names.push_back(layer + ".weight");
    names.push_back(layer + ".bias");
  }
  return names;
}

}  // namespace equipoise::reference
