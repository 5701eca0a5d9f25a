// tests/reference/mldrl_backward.h - the gradient of each MLDRL task by every parameter, derived by hand.
#pragma once

#include <array>
#include <map>
#include <string>

#include "tests/reference/mldrl.h"

namespace equipoise::reference {

/// The direct derivatives of one task by what the forward pass computed, before they flow back; all zero at first.
struct ViewSeeds {
  Matrix own;        // by the reconstruction from z, [batch, features]
  std::vector<Matrix> crossed;  // by each crossed reconstruction, [batch, features]
  Matrix z;          // [batch, latent]
  Matrix mu;         // [batch, latent]
  Matrix log_sigma;  // [batch, latent]
};

struct Seeds {
  std::vector<ViewSeeds> view;
  Matrix logits;  // [batch, classes]
};

inline Seeds zero_seeds(const Forward& f) {
  Seeds s;
  for (const ViewPass& v : f.view) {
    const Matrix features(v.x.rows, v.x.cols);
    const Matrix latent(v.z.rows, v.z.cols);
    s.view.push_back({features, std::vector<Matrix>(f.view.size(), features), latent, latent, latent});
  }
  s.logits = Matrix(f.logits.rows, f.logits.cols);
  return s;
}

inline Seeds reconstruction_seeds(const Forward& f) {
  Seeds s = zero_seeds(f);
  for (std::size_t i = 0; i < f.view.size(); ++i) {
    const ViewPass& v = f.view[i];
    s.view[i].own = mean_squared_error_gradient(v.own.reconstruction, v.x);
    for (std::size_t j = 0; j < f.view.size(); ++j)
      if (j != i) s.view[i].crossed[j] = mean_squared_error_gradient(v.crossed[j].reconstruction, v.x);
    DivergenceGradient d = normal_divergence_gradient(v.mu, v.log_sigma);
    s.view[i].mu = std::move(d.mu);
    s.view[i].log_sigma = std::move(d.log_sigma);
  }
  return s;
}

inline Seeds inherent_variational_seeds(const MldrlSettings& settings, const Forward& f) {
  Seeds s = zero_seeds(f);
  if (f.view.size() < 2) return s;
  const InherentVariationalGradient d =
      inherent_variational_gradient(settings.inherent_variational, f.terms.inherent, f.terms.variational);
  for (std::size_t i = 0; i < f.view.size(); ++i)
    for (std::size_t j = 0; j < f.view.size(); ++j) {
      if (j == i) continue;
      const Matrix &own = f.view[i].z, &other = f.view[j].z;
      accumulate_columns(s.view[i].z, 0,
                         mean_squared_error_gradient(shared_part(settings, own), shared_part(settings, other)),
                         d.by_inherent);
      accumulate_columns(s.view[i].z, settings.shared,
                         mean_squared_error_gradient(specific_part(settings, own), specific_part(settings, other)),
                         d.by_variational);
    }
  return s;
}

inline Seeds classification_seeds(const MldrlSettings& settings, const Forward& f, const Batch& batch) {
  Seeds s = zero_seeds(f);
  s.logits = cross_entropy(f.prediction, batch.label, settings.class_weights).gradient;
  if (settings.classifier == Classifier::sigmoid_softmax) {
    s.logits = activation_backward(Activation::sigmoid, f.logits, softmax_backward(f.prediction, s.logits));
  }
  return s;
}

/// Adds a layer's parameter gradients to `gradient` and returns the derivative by its input.
inline Matrix layer_backward(const MldrlParameters& parameters, const std::string& layer, const Matrix& x,
                             const Matrix& dy, GradientByName& gradient) {
  LinearGradient d = linear_backward(x, parameters.at(layer + ".weight"), dy);
  accumulate(gradient.at(layer + ".weight"), d.weight);
  accumulate(gradient.at(layer + ".bias"), d.bias);
  return std::move(d.x);
}

inline Matrix decoder_backward(const MldrlSettings& settings, const MldrlParameters& parameters, int view,
                               const DecoderPass& pass, const Matrix& d_reconstruction, GradientByName& gradient) {
  const std::string name = view_name("decoder", view);
  const Matrix d_output = activation_backward(settings.output_activation, pass.output_in, d_reconstruction);
  const Matrix d_hidden = layer_backward(parameters, name + ".linear2", pass.hidden, d_output, gradient);
  const Matrix d_hidden_in = activation_backward(settings.hidden_activation, pass.hidden_in, d_hidden);
  return layer_backward(parameters, name + ".linear1", pass.input, d_hidden_in, gradient);
}

/// The derivative of [c_other, p_own] (or the other order) goes to the z each part came from.
inline void spread_crossed_input(const MldrlSettings& settings, int view, std::size_t other, const Matrix& d_input,
                                 std::vector<Matrix>& dz) {
  const int specific = d_input.cols - settings.shared;
  const bool specific_first = view == 0 && settings.cross_decoder1 == CrossOrder::specific_first;
  const int shared_begin = specific_first ? specific : 0;
  const int specific_begin = specific_first ? 0 : settings.shared;
  accumulate_columns(dz[other], 0, columns(d_input, shared_begin, settings.shared));
  accumulate_columns(dz[static_cast<std::size_t>(view)], settings.shared, columns(d_input, specific_begin, specific));
}

inline void encoder_backward(const MldrlSettings& settings, const MldrlParameters& parameters, int view,
                             const ViewPass& pass, const ViewSeeds& seeds, const Matrix& dz, GradientByName& gradient) {
  Matrix d_mu = seeds.mu;
  accumulate(d_mu, dz);
  Matrix d_log_sigma = seeds.log_sigma;
  for (std::size_t i = 0; i < dz.values.size(); ++i) {
    d_log_sigma.values[i] += dz.values[i] * pass.noise.values[i] * pass.sigma.values[i];
    const double before_clamp = pass.log_sigma_in.values[i];
    if (before_clamp < kLogSigmaLow || before_clamp > kLogSigmaHigh) d_log_sigma.values[i] = 0.0;
  }
  Matrix d_hidden = layer_backward(parameters, "_enc_mu", pass.hidden, d_mu, gradient);
  accumulate(d_hidden, layer_backward(parameters, "_enc_log_sigma", pass.hidden, d_log_sigma, gradient));
  const Matrix d_hidden_in = activation_backward(settings.hidden_activation, pass.hidden_in, d_hidden);
  layer_backward(parameters, view_name("encoder", view) + ".linear1", pass.x, d_hidden_in, gradient);
}

/// The gradient by every parameter (zeros where the task does not reach) from the seeds of one task.
inline GradientByName backward(const MldrlSettings& settings, const MldrlParameters& parameters, const Forward& f,
                               const Seeds& seeds) {
  GradientByName gradient;
  for (const auto& [name, value] : parameters.by_name) gradient.emplace(name, Matrix(value.rows, value.cols));

  std::vector<Matrix> dz;
  for (const ViewSeeds& view : seeds.view) dz.push_back(view.z);
  for (std::size_t v = 0; v < dz.size(); ++v) {
    const int i = static_cast<int>(v);
    accumulate(dz[v], decoder_backward(settings, parameters, i, f.view[v].own, seeds.view[v].own, gradient));
    for (std::size_t j = 0; j < dz.size(); ++j)
      if (j != v)
        spread_crossed_input(
            settings, i, j,
            decoder_backward(settings, parameters, i, f.view[v].crossed[j], seeds.view[v].crossed[j], gradient), dz);
  }

  const Matrix d_input = layer_backward(parameters, "fc1", f.classifier_input, seeds.logits, gradient);
  const int specific = dz[0].cols - settings.shared;
  for (std::size_t v = 0; v < dz.size(); ++v) {
    const int i = static_cast<int>(v);
    accumulate_columns(dz[v], 0, columns(d_input, 0, settings.shared), 1.0 / static_cast<double>(dz.size()));
    accumulate_columns(dz[v], settings.shared, columns(d_input, settings.shared + i * specific, specific));
  }

  for (std::size_t v = 0; v < dz.size(); ++v)
    encoder_backward(settings, parameters, static_cast<int>(v), f.view[v], seeds.view[v], dz[v], gradient);
  return gradient;
}

/// The gradient of each task's raw loss (no task weight, no loss scale), by task name and then by parameter name.
inline std::map<std::string, GradientByName> task_gradients(const MldrlSettings& settings,
                                                            const MldrlParameters& parameters, const Batch& batch,
                                                            const Forward& f) {
  return {{kTaskNames[0], backward(settings, parameters, f, reconstruction_seeds(f))},
          {kTaskNames[1], backward(settings, parameters, f, inherent_variational_seeds(settings, f))},
          {kTaskNames[2], backward(settings, parameters, f, classification_seeds(settings, f, batch))}};
}

}  // namespace equipoise::reference
