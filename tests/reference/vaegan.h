// tests/reference/vaegan.h - VAE-GAN (Larsen et al. 2016) as multilayer perceptrons: the forward pass and its terms.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "tests/reference/mldrl.h"
#include "tests/reference/mtl_losses.h"

namespace equipoise::reference {

/// By the names of the record: encoder.{hidden,mu,logvar}, decoder.{hidden,out}, discriminator.{hidden,out} and, where
/// there are auxiliary labels, discriminator.aux, each with .weight [out, in] and .bias [1, out].
using VaeganParameters = MldrlParameters;

inline const std::vector<std::string> kVaeganGroups = {"encoder", "decoder", "discriminator"};

/// What the losses are sums of.
inline const std::vector<std::string> kVaeganTerms = {"kl",          "llike",     "dis_original", "dis_recon",
                                                      "dis_sampled", "gen_recon", "gen_sampled",  "auxiliary"};

/// Added to a probability before its logarithm, so that a sure discriminator costs no more than 6.9.
inline constexpr double kProbabilityOffset = 1e-3;

struct VaeganBatch {
  Matrix x;      // [batch, features]
  Matrix noise;  // [batch, latent], of the latents of x
  Matrix prior;  // [batch, latent], decoded into the sampled rows
  Matrix aux;    // [batch, auxiliary labels] of 0 and 1, -1 where unknown; empty without the auxiliary layer
};

struct VaeganDecoding {
  Matrix z;          // [batch, latent]
  Matrix hidden_in;  // [batch, hidden], before relu
  Matrix hidden;     // [batch, hidden]
  Matrix output;     // [batch, features]
};

struct Judgement {
  Matrix x;           // [batch, features]
  Matrix feature_in;  // [batch, features of the discriminator], before relu
  Matrix feature;     // as feature_in
  Matrix logit;       // [batch, 1]: high for an original row
};

enum VaeganRows : std::size_t { kOriginal, kReconstructed, kSampled };

struct VaeganForward {
  Matrix hidden_in;  // [batch, hidden] of the encoder, before relu
  Matrix hidden;     // [batch, hidden]
  Matrix mu;         // [batch, latent]
  Matrix logvar;     // [batch, latent], before the clamp of log sigma = logvar / 2
  Matrix log_sigma;  // [batch, latent]
  VaeganDecoding reconstructed;
  VaeganDecoding sampled;
  std::array<Judgement, 3> judged;      // by VaeganRows
  Matrix aux;                           // [batch, auxiliary labels] logits of the original rows, or empty
  std::map<std::string, Matrix> rows;   // by term, [batch, 1]; auxiliary is left out
  std::map<std::string, double> terms;  // by kVaeganTerms, sums over the batch
};

struct LogitLoss {
  double loss;
  double slope;  // by the logit
};

/// -log(p + offset) for rows to pass as original and -log(1 - p + offset) for others, with p = sigmoid(logit).
inline LogitLoss adversarial(double logit, bool as_original) {
  const double sign = as_original ? 1.0 : -1.0;
  const double right = activate(Activation::sigmoid, sign * logit);
  const double slope = activation_slope(Activation::sigmoid, sign * logit);
  return {-std::log(right + kProbabilityOffset), -sign * slope / (right + kProbabilityOffset)};
}

/// The sum of binary cross-entropies with logits over the labels that are not -1.
inline TargetLoss auxiliary_loss(const Matrix& logits, const Matrix& labels) {
  Matrix target = labels;
  for (double& t : target.values) {
    if (t == -1.0) t = std::nan("");
  }
  return sum_over_targets(logits, target, binary_entry);
}

inline VaeganDecoding vaegan_decode(const VaeganParameters& parameters, Matrix z) {
  VaeganDecoding d;
  d.hidden_in = apply_linear(parameters, "decoder.hidden", z);
  d.z = std::move(z);
  d.hidden = activate(Activation::relu, d.hidden_in);
  d.output = apply_linear(parameters, "decoder.out", d.hidden);
  return d;
}

inline Judgement judge(const VaeganParameters& parameters, const Matrix& x) {
  Judgement j;
  j.x = x;
  j.feature_in = apply_linear(parameters, "discriminator.hidden", x);
  j.feature = activate(Activation::relu, j.feature_in);
  j.logit = apply_linear(parameters, "discriminator.out", j.feature);
  return j;
}

/// Half the squared distance of each row of a from that of b, [batch, 1].
inline Matrix half_squared_distances(const Matrix& a, const Matrix& b) {
  require_same_shape(a, b);
  Matrix sums(a.rows, 1);
  for (int r = 0; r < a.rows; ++r) {
    for (int c = 0; c < a.cols; ++c) sums.at(r, 0) += 0.5 * (a.at(r, c) - b.at(r, c)) * (a.at(r, c) - b.at(r, c));
  }
  return sums;
}

/// (mu² + sigma² - log sigma² - 1) / 2 summed along each row (Kingma and Welling 2014, appendix B), [batch, 1].
inline Matrix divergences(const Matrix& mu, const Matrix& log_sigma) {
  require_same_shape(mu, log_sigma);
  Matrix sums(mu.rows, 1);
  for (int r = 0; r < mu.rows; ++r) {
    for (int c = 0; c < mu.cols; ++c) {
      const double m = mu.at(r, c);
      const double l = log_sigma.at(r, c);
      sums.at(r, 0) += 0.5 * (m * m + std::exp(2.0 * l) - 2.0 * l - 1.0);
    }
  }
  return sums;
}

inline Matrix adversarial_rows(const Judgement& judgement, bool as_original) {
  Matrix loss = judgement.logit;
  for (double& v : loss.values) v = adversarial(v, as_original).loss;
  return loss;
}

inline void vaegan_terms(const VaeganBatch& batch, VaeganForward& f) {
  f.rows["kl"] = divergences(f.mu, f.log_sigma);
  f.rows["llike"] = half_squared_distances(f.judged[kReconstructed].feature, f.judged[kOriginal].feature);
  f.rows["dis_original"] = adversarial_rows(f.judged[kOriginal], true);
  f.rows["dis_recon"] = adversarial_rows(f.judged[kReconstructed], false);
  f.rows["dis_sampled"] = adversarial_rows(f.judged[kSampled], false);
  f.rows["gen_recon"] = adversarial_rows(f.judged[kReconstructed], true);
  f.rows["gen_sampled"] = adversarial_rows(f.judged[kSampled], true);
  for (const auto& [term, rows] : f.rows) {
    for (double v : rows.values) f.terms[term] += v;
  }
  f.terms["auxiliary"] = f.aux.values.empty() ? 0.0 : auxiliary_loss(f.aux, batch.aux).loss;
}

inline VaeganForward vaegan_forward(const VaeganParameters& parameters, const VaeganBatch& batch) {
  VaeganForward f;
  f.hidden_in = apply_linear(parameters, "encoder.hidden", batch.x);
  f.hidden = activate(Activation::relu, f.hidden_in);
  f.mu = apply_linear(parameters, "encoder.mu", f.hidden);
  f.logvar = apply_linear(parameters, "encoder.logvar", f.hidden);
  f.log_sigma = f.logvar;
  for (double& l : f.log_sigma.values) l = std::clamp(0.5 * l, kLogSigmaLow, kLogSigmaHigh);
  require_same_shape(f.mu, batch.noise);
  Matrix z = f.mu;
  for (std::size_t i = 0; i < z.values.size(); ++i) {
    z.values[i] += std::exp(f.log_sigma.values[i]) * batch.noise.values[i];
  }
  f.reconstructed = vaegan_decode(parameters, std::move(z));
  f.sampled = vaegan_decode(parameters, batch.prior);
  f.judged = {judge(parameters, batch.x), judge(parameters, f.reconstructed.output),
              judge(parameters, f.sampled.output)};
  if (parameters.by_name.count("discriminator.aux.weight")) {
    f.aux = apply_linear(parameters, "discriminator.aux", f.judged[kOriginal].feature);
  }
  vaegan_terms(batch, f);
  return f;
}

}  // namespace equipoise::reference
