// tests/reference/mldrl.h - MLDRL's forward pass: an encoder a view, shared latent heads, a decoding of each view with
// each view's shared part, one classifier. The paper has two views.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "tests/reference/linear.h"
#include "tests/reference/mldrl_settings.h"

namespace equipoise::reference {

/// log sigma is held in this range; outside it no gradient passes.
inline constexpr double kLogSigmaLow = -30.0;
inline constexpr double kLogSigmaHigh = 20.0;

/// Weights [out, in] and biases [1, out] under the names of the records: encoder{1,2,..}.linear1, _enc_mu,
/// _enc_log_sigma, decoder{1,2,..}.linear{1,2} and fc1, each with .weight and .bias.
struct MldrlParameters {
  std::map<std::string, Matrix> by_name;

  const Matrix& at(const std::string& name) const { return by_name.at(name); }
};

struct Batch {
  std::vector<Matrix> view;   // [batch, features] of each view
  std::vector<Matrix> noise;  // [batch, latent] of each view, of standard normal draws; zeros give the latent means
  std::vector<int> label;     // [batch], 0 .. classes - 1, or -1 without one
};

struct DecoderPass {
  Matrix input;           // [batch, latent]
  Matrix hidden_in;       // [batch, hidden], before the activation
  Matrix hidden;          // [batch, hidden]
  Matrix output_in;       // [batch, features], before the activation
  Matrix reconstruction;  // [batch, features]
};

struct ViewPass {
  Matrix x;             // [batch, features]
  Matrix noise;         // [batch, latent]
  Matrix hidden_in;     // [batch, hidden], before relu
  Matrix hidden;        // [batch, hidden]
  Matrix mu;            // [batch, latent]
  Matrix log_sigma_in;  // [batch, latent], before the clamp
  Matrix log_sigma;     // [batch, latent]
  Matrix sigma;         // [batch, latent]
  Matrix z;             // [batch, latent], mu + sigma * noise = [c, p]
  DecoderPass own;      // of z
  std::vector<DecoderPass> crossed;  // of this view's p and each view's c; that of its own stays empty
};

/// The sums the tasks are made of.
struct Terms {
  double reconstruction = 0.0;  // mean squared errors: of each view, with each view's shared part
  double divergence = 0.0;      // divergences of the views' latents from N(0, 1)
  double inherent = 0.0;        // mean squared errors of the shared parts, over pairs of views
  double variational = 0.0;     // mean squared errors of the specific parts, over pairs of views
  double cross_entropy = 0.0;
};

struct Forward {
  std::vector<ViewPass> view;
  Matrix classifier_input;  // [batch, shared + views * specific]: [mean of c_i, p_1, p_2, ..]
  Matrix logits;            // [batch, classes]
  Matrix prediction;        // [batch, classes]: what the cross-entropy is given
  Terms terms;
  std::array<double, kTasks> losses{};  // raw, in the order of kTaskNames
  std::array<bool, kTasks> present{};   // false: the task has no row in this batch and its loss is zero
};

inline Matrix apply_linear(const MldrlParameters& parameters, const std::string& layer, const Matrix& x) {
  return linear(x, parameters.at(layer + ".weight"), parameters.at(layer + ".bias"));
}

inline std::string view_name(const std::string& stem, int view) { return stem + std::to_string(view + 1); }

inline DecoderPass decode(const MldrlSettings& settings, const MldrlParameters& parameters, int view, Matrix input) {
  const std::string name = view_name("decoder", view);
  DecoderPass pass;
  pass.input = std::move(input);
  pass.hidden_in = apply_linear(parameters, name + ".linear1", pass.input);
  pass.hidden = activate(settings.hidden_activation, pass.hidden_in);
  pass.output_in = apply_linear(parameters, name + ".linear2", pass.hidden);
  pass.reconstruction = activate(settings.output_activation, pass.output_in);
  return pass;
}

inline ViewPass encode(const MldrlSettings& settings, const MldrlParameters& parameters, int view, const Matrix& x,
                       const Matrix& noise) {
  ViewPass pass;
  pass.x = x;
  pass.noise = noise;
  pass.hidden_in = apply_linear(parameters, view_name("encoder", view) + ".linear1", x);
  pass.hidden = activate(settings.hidden_activation, pass.hidden_in);
  pass.mu = apply_linear(parameters, "_enc_mu", pass.hidden);
  pass.log_sigma_in = apply_linear(parameters, "_enc_log_sigma", pass.hidden);
  pass.log_sigma = pass.log_sigma_in;
  pass.sigma = pass.log_sigma_in;
  pass.z = pass.mu;
  require_same_shape(pass.mu, noise);
  for (std::size_t i = 0; i < pass.z.values.size(); ++i) {
    double& l = pass.log_sigma.values[i];
    l = l < kLogSigmaLow ? kLogSigmaLow : l > kLogSigmaHigh ? kLogSigmaHigh : l;
    pass.sigma.values[i] = std::exp(l);
    pass.z.values[i] += pass.sigma.values[i] * noise.values[i];
  }
  return pass;
}

/// The input of a view's crossed decoder from another view's c and its own p.
inline Matrix crossed_input(const MldrlSettings& settings, int view, const Matrix& shared, const Matrix& specific) {
  const bool specific_first = view == 0 && settings.cross_decoder1 == CrossOrder::specific_first;
  return specific_first ? beside(specific, shared) : beside(shared, specific);
}

inline Matrix shared_part(const MldrlSettings& settings, const Matrix& z) { return columns(z, 0, settings.shared); }

inline Matrix specific_part(const MldrlSettings& settings, const Matrix& z) {
  return columns(z, settings.shared, z.cols - settings.shared);
}

inline Forward forward(const MldrlSettings& settings, const MldrlParameters& parameters, const Batch& batch) {
  Forward f;
  const std::size_t views = batch.view.size();
  std::vector<Matrix> c, p;
  for (std::size_t i = 0; i < views; ++i) {
    f.view.push_back(encode(settings, parameters, static_cast<int>(i), batch.view[i], batch.noise[i]));
    c.push_back(shared_part(settings, f.view[i].z));
    p.push_back(specific_part(settings, f.view[i].z));
  }
  for (std::size_t i = 0; i < views; ++i) {
    ViewPass& v = f.view[i];
    const int number = static_cast<int>(i);
    v.own = decode(settings, parameters, number, v.z);
    v.crossed.resize(views);
    f.terms.reconstruction += mean_squared_error(v.own.reconstruction, v.x);
    f.terms.divergence += normal_divergence(v.mu, v.log_sigma);
    for (std::size_t j = 0; j < views; ++j) {
      if (j == i) continue;
      v.crossed[j] = decode(settings, parameters, number, crossed_input(settings, number, c[j], p[i]));
      f.terms.reconstruction += mean_squared_error(v.crossed[j].reconstruction, v.x);
      if (j < i) continue;
      f.terms.inherent += mean_squared_error(c[i], c[j]);
      f.terms.variational += mean_squared_error(p[i], p[j]);
    }
  }

  f.classifier_input = Matrix(c[0].rows, c[0].cols);
  for (const Matrix& shared : c) accumulate(f.classifier_input, shared, 1.0 / static_cast<double>(views));
  for (const Matrix& specific : p) f.classifier_input = beside(f.classifier_input, specific);
  f.logits = apply_linear(parameters, "fc1", f.classifier_input);
  f.prediction =
      settings.classifier == Classifier::logits ? f.logits : softmax(activate(Activation::sigmoid, f.logits));

  const CrossEntropy classification = cross_entropy(f.prediction, batch.label, settings.class_weights);
  f.terms.cross_entropy = classification.loss;
  f.losses = {f.terms.reconstruction + f.terms.divergence,
              views > 1 ? inherent_variational(settings.inherent_variational, f.terms.inherent, f.terms.variational) : 0.0,
              f.terms.cross_entropy};
  f.present = {true, views > 1, classification.labelled};
  return f;
}

/// [batch, classes]: softmax of the logits; the sigmoid_softmax classifier's prediction is that already, of the sigmoid
/// of its logits.
inline Matrix class_probabilities(const MldrlSettings& settings, const Forward& f) {
  return settings.classifier == Classifier::logits ? softmax(f.logits) : f.prediction;
}

}  // namespace equipoise::reference
