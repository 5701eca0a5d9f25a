// tests/reference/mldrl.h - MLDRL's forward pass: two encoders, shared latent heads, four decodings, one classifier.
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

/// Weights [out, in] and biases [1, out] under the names of the records: encoder{1,2}.linear1, _enc_mu, _enc_log_sigma,
/// decoder{1,2}.linear{1,2} and fc1, each with .weight and .bias.
struct MldrlParameters {
  std::map<std::string, Matrix> by_name;

  const Matrix& at(const std::string& name) const { return by_name.at(name); }
};

struct Batch {
  Matrix view1;            // [batch, features of view 1]
  Matrix view2;            // [batch, features of view 2]
  Matrix noise1;           // [batch, latent], of standard normal draws; zeros give the latent means
  Matrix noise2;           // [batch, latent]
  std::vector<int> label;  // [batch], 0 .. classes - 1, or -1 without one
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
  DecoderPass crossed;  // of this view's p and the other view's c
};

/// The sums the tasks are made of, each over both views where there are two.
struct Terms {
  double reconstruction = 0.0;  // the four mean squared errors
  double divergence = 0.0;      // the two divergences of the latent from N(0, 1)
  double inherent = 0.0;        // mean squared error of the shared parts
  double variational = 0.0;     // mean squared error of the specific parts
  double cross_entropy = 0.0;
};

struct Forward {
  std::array<ViewPass, 2> view;
  Matrix classifier_input;  // [batch, shared + 2 specific]: [(c_1 + c_2) / 2, p_1, p_2]
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

/// The input of a view's crossed decoder from the other view's c and its own p.
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
  f.view[0] = encode(settings, parameters, 0, batch.view1, batch.noise1);
  f.view[1] = encode(settings, parameters, 1, batch.view2, batch.noise2);

  const std::array<Matrix, 2> c = {shared_part(settings, f.view[0].z), shared_part(settings, f.view[1].z)};
  const std::array<Matrix, 2> p = {specific_part(settings, f.view[0].z), specific_part(settings, f.view[1].z)};
  for (int i = 0; i < 2; ++i) {
    ViewPass& v = f.view[static_cast<std::size_t>(i)];
    const std::size_t other = static_cast<std::size_t>(1 - i);
    v.own = decode(settings, parameters, i, v.z);
    v.crossed = decode(settings, parameters, i, crossed_input(settings, i, c[other], p[static_cast<std::size_t>(i)]));
    f.terms.reconstruction +=
        mean_squared_error(v.own.reconstruction, v.x) + mean_squared_error(v.crossed.reconstruction, v.x);
    f.terms.divergence += normal_divergence(v.mu, v.log_sigma);
  }

  Matrix mean_shared(c[0].rows, c[0].cols);
  accumulate(mean_shared, c[0], 0.5);
  accumulate(mean_shared, c[1], 0.5);
  f.classifier_input = beside(beside(mean_shared, p[0]), p[1]);
  f.logits = apply_linear(parameters, "fc1", f.classifier_input);
  f.prediction =
      settings.classifier == Classifier::logits ? f.logits : softmax(activate(Activation::sigmoid, f.logits));

  const CrossEntropy classification = cross_entropy(f.prediction, batch.label, settings.class_weights);
  f.terms.inherent = mean_squared_error(c[0], c[1]);
  f.terms.variational = mean_squared_error(p[0], p[1]);
  f.terms.cross_entropy = classification.loss;
  f.losses = {f.terms.reconstruction + f.terms.divergence,
              inherent_variational(settings.inherent_variational, f.terms.inherent, f.terms.variational),
              f.terms.cross_entropy};
  f.present = {true, true, classification.labelled};
  return f;
}

/// [batch, classes]: softmax of the logits; the sigmoid_softmax classifier's prediction is that already, of the sigmoid
/// of its logits.
inline Matrix class_probabilities(const MldrlSettings& settings, const Forward& f) {
  return settings.classifier == Classifier::logits ? softmax(f.logits) : f.prediction;
}

}  // namespace equipoise::reference
