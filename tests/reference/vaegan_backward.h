// tests/reference/vaegan_backward.h - the gradient of each VAE-GAN term by every parameter, and the routing table that
// makes a loss of them for each group of parameters.
#pragma once

#include <map>
#include <string>

#include "tests/reference/mldrl_backward.h"
#include "tests/reference/vaegan.h"

namespace equipoise::reference {

/// The direct derivatives of one term by what the forward pass computed; all zero at first.
struct VaeganSeeds {
  Matrix mu;                      // [batch, latent]
  Matrix log_sigma;               // [batch, latent]
  std::array<Matrix, 3> feature;  // by VaeganRows
  std::array<Matrix, 3> logit;    // by VaeganRows
  Matrix aux;                     // [batch, auxiliary labels]
};

inline Matrix zeros_like(const Matrix& m) { return Matrix(m.rows, m.cols); }

inline VaeganSeeds vaegan_zero_seeds(const VaeganForward& f) {
  VaeganSeeds s{zeros_like(f.mu), zeros_like(f.mu), {}, {}, zeros_like(f.aux)};
  for (std::size_t i = 0; i < 3; ++i) {
    s.feature[i] = zeros_like(f.judged[i].feature);
    s.logit[i] = zeros_like(f.judged[i].logit);
  }
  return s;
}

inline Matrix adversarial_slopes(const Judgement& judgement, bool as_original) {
  Matrix slope = judgement.logit;
  for (double& v : slope.values) v = adversarial(v, as_original).slope;
  return slope;
}

inline VaeganSeeds vaegan_seeds(const std::string& term, const VaeganBatch& batch, const VaeganForward& f) {
  VaeganSeeds s = vaegan_zero_seeds(f);
  if (term == "kl") {
    s.mu = f.mu;
    for (std::size_t i = 0; i < s.mu.values.size(); ++i) {
      s.log_sigma.values[i] = std::expm1(2.0 * f.log_sigma.values[i]);
    }
  } else if (term == "llike") {
    accumulate(s.feature[kReconstructed], f.judged[kReconstructed].feature);
    accumulate(s.feature[kReconstructed], f.judged[kOriginal].feature, -1.0);
    accumulate(s.feature[kOriginal], s.feature[kReconstructed], -1.0);
  } else if (term == "auxiliary") {
    if (!f.aux.values.empty()) s.aux = auxiliary_loss(f.aux, batch.aux).gradient;
  } else {
    const std::map<std::string, VaeganRows> rows = {{"dis_original", kOriginal},
                                                    {"dis_recon", kReconstructed},
                                                    {"dis_sampled", kSampled},
                                                    {"gen_recon", kReconstructed},
                                                    {"gen_sampled", kSampled}};
    const VaeganRows which = rows.at(term);
    s.logit[which] = adversarial_slopes(f.judged[which], which == kOriginal || term.rfind("gen_", 0) == 0);
  }
  return s;
}

/// Adds the discriminator's gradients and returns the derivative by the rows judged.
inline Matrix judge_backward(const VaeganParameters& parameters, const Judgement& j, const Matrix& d_logit,
                             Matrix d_feature, GradientByName& gradient) {
  accumulate(d_feature, layer_backward(parameters, "discriminator.out", j.feature, d_logit, gradient));
  const Matrix d_in = activation_backward(Activation::relu, j.feature_in, d_feature);
  return layer_backward(parameters, "discriminator.hidden", j.x, d_in, gradient);
}

/// Adds the decoder's gradients and returns the derivative by z.
inline Matrix vaegan_decode_backward(const VaeganParameters& parameters, const VaeganDecoding& d,
                                     const Matrix& d_output, GradientByName& gradient) {
  const Matrix d_hidden = layer_backward(parameters, "decoder.out", d.hidden, d_output, gradient);
  return layer_backward(parameters, "decoder.hidden", d.z, activation_backward(Activation::relu, d.hidden_in, d_hidden),
                        gradient);
}

inline void vaegan_encode_backward(const VaeganParameters& parameters, const VaeganBatch& batch, const VaeganForward& f,
                                   const VaeganSeeds& seeds, const Matrix& dz, GradientByName& gradient) {
  Matrix d_mu = seeds.mu;
  accumulate(d_mu, dz);
  Matrix d_logvar = seeds.log_sigma;
  for (std::size_t i = 0; i < dz.values.size(); ++i) {
    d_logvar.values[i] += dz.values[i] * batch.noise.values[i] * std::exp(f.log_sigma.values[i]);
    const bool clamped = f.log_sigma.values[i] != 0.5 * f.logvar.values[i];
    d_logvar.values[i] *= clamped ? 0.0 : 0.5;  // log sigma is half the log variance
  }
  Matrix d_hidden = layer_backward(parameters, "encoder.mu", f.hidden, d_mu, gradient);
  accumulate(d_hidden, layer_backward(parameters, "encoder.logvar", f.hidden, d_logvar, gradient));
  layer_backward(parameters, "encoder.hidden", batch.x, activation_backward(Activation::relu, f.hidden_in, d_hidden),
                 gradient);
}

/// The gradient of one term by every parameter of all three groups, zeros where it does not reach.
inline GradientByName vaegan_term_gradient(const std::string& term, const VaeganParameters& parameters,
                                           const VaeganBatch& batch, const VaeganForward& f) {
  GradientByName gradient;
  for (const auto& [name, value] : parameters.by_name) gradient.emplace(name, zeros_like(value));
  VaeganSeeds seeds = vaegan_seeds(term, batch, f);
  if (!f.aux.values.empty()) {
    accumulate(seeds.feature[kOriginal],
               layer_backward(parameters, "discriminator.aux", f.judged[kOriginal].feature, seeds.aux, gradient));
  }
  std::array<Matrix, 3> dx;
  for (std::size_t i = 0; i < 3; ++i) {
    dx[i] = judge_backward(parameters, f.judged[i], seeds.logit[i], seeds.feature[i], gradient);
  }
  vaegan_decode_backward(parameters, f.sampled, dx[kSampled], gradient);
  const Matrix dz = vaegan_decode_backward(parameters, f.reconstructed, dx[kReconstructed], gradient);
  vaegan_encode_backward(parameters, batch, f, seeds, dz, gradient);
  return gradient;
}

/// By group and then by term: the coefficient of the term in the loss that the group's parameters follow.
using RoutingTable = std::map<std::string, std::map<std::string, double>>;

/// The published routing: the encoder follows kl + llike, the decoder gamma llike + (1 - gamma) gen, the discriminator
/// dis + lambda auxiliary.
inline RoutingTable vaegan_routing(double gamma, double lambda) {
  return {{"encoder", {{"kl", 1.0}, {"llike", 1.0}}},
          {"decoder", {{"llike", gamma}, {"gen_recon", 1.0 - gamma}, {"gen_sampled", 1.0 - gamma}}},
          {"discriminator", {{"dis_original", 1.0}, {"dis_recon", 1.0}, {"dis_sampled", 1.0}, {"auxiliary", lambda}}}};
}

inline double routed_loss(const RoutingTable& routing, const std::string& group, const VaeganForward& f) {
  double loss = 0.0;
  for (const auto& [term, coefficient] : routing.at(group)) loss += coefficient * f.terms.at(term);
  return loss;
}

/// The gradient of the group's loss by the group's own parameters alone: everything else stands still.
inline GradientByName routed_gradient(const RoutingTable& routing, const std::string& group,
                                      const VaeganParameters& parameters, const VaeganBatch& batch,
                                      const VaeganForward& f) {
  GradientByName total;
  for (const auto& [term, coefficient] : routing.at(group)) {
    for (const auto& [name, g] : vaegan_term_gradient(term, parameters, batch, f)) {
      if (name.rfind(group + ".", 0) != 0) continue;
      accumulate(total.emplace(name, zeros_like(g)).first->second, g, coefficient);
    }
  }
  return total;
}

}  // namespace equipoise::reference
