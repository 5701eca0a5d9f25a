// kernels/ops/latent.h - Gaussian latents: reparameterisation and the KL divergence to N(0, I), forward and backward.
// Source: Kingma and Welling 2014, equation 10 and appendix B. Heads give mu and log sigma side by side.
//   sigma = exp(log sigma),  z = mu + sigma * noise,  KL = mean over rows and columns of (mu^2 + sigma^2 - log sigma^2
//   - 1) / 2
// log sigma is clamped to [-30, 20]; outside, its gradient is zero. Where the second head is the log variance, log
// sigma is half of it. The KL may also be summed over the batch instead of averaged.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/base/strict_math.h"
#include "kernels/state/memory.h"

namespace equipoise {

inline constexpr float kMinLogSigma = -30.0f, kMaxLogSigma = 20.0f;

EQ_FN float clamp_log_sigma(float s) { return s < kMinLogSigma ? kMinLogSigma : (s > kMaxLogSigma ? kMaxLogSigma : s); }

struct Latent {
  View heads;        // [rows, 2 L]: mu, then log sigma
  View noise;        // [rows, L], read if use_noise
  View sigma;        // [rows, L], overwritten
  View z;            // [rows, L], overwritten
  Place kl;          // [rows, 16] slots of the sum of (mu^2 + sigma^2 - log sigma^2 - 1) / 2, overwritten
  bool use_noise;    // false: z = mu, as in evaluation
  float log_factor;  // log sigma over the second head: 1, or 0.5 where that is the log variance
  EQ_FIELDS(heads, noise, sigma, z, kl, use_noise, log_factor)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.rows(heads));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u), lane = unit_lane<Team>(u), size = z.cols;
    const float* mu = c.row(heads, r);
    float* s = c.row(sigma, r);
    float* out = c.row(z, r);
    if constexpr (Team::kLanes == 1) return one_lane(c, r, lane, mu, s, out);
    each_column<Team::kLanes>(size, lane,
                              [&](int j, int) { s[j] = strict_exp(clamp_log_sigma(log_factor * mu[size + j])); });
    if (use_noise) {
      const float* e = c.row(noise, r);
      each_column<Team::kLanes>(size, lane, [&](int j, int) { out[j] = fmaf(s[j], e[j], mu[j]); });
    } else {
      each_column<Team::kLanes>(size, lane, [&](int j, int) { out[j] = mu[j]; });
    }
    sum_row<Team::kLanes>(size, lane, c.doubles(kl) + r * kRowLanes, [&](int j) {
      const double m = mu[j], v = s[j], log_sigma = clamp_log_sigma(log_factor * mu[size + j]);
      return 0.5 * (fma(m, m, v * v) - 2.0 * log_sigma - 1.0);
    });
  }
  /// The same by a GPU's thread, in one pass.
  EQ_FN void one_lane(const Context& c, int r, int lane, const float* mu, float* s, float* out) const {
    const float* e = use_noise ? c.row(noise, r) : mu;
    double sum = 0;
    for (int j = lane; j < z.cols; j += kRowLanes) {
      const float mean = mu[j], noisy = e[j], log_sigma = clamp_log_sigma(log_factor * mu[z.cols + j]);
      const float deviation = strict_exp(log_sigma);
      s[j] = deviation;
      out[j] = use_noise ? fmaf(deviation, noisy, mean) : mean;
      const double m = mean, v = deviation, l = log_sigma;
      sum += 0.5 * (fma(m, m, v * v) - 2.0 * l - 1.0);
    }
    c.doubles(kl)[r * kRowLanes + lane] = sum;
  }
};

/// dmu = dz + k mu and dlog_sigma = dz noise sigma + k (sigma^2 - 1), k = kl_scale / (n L).
struct LatentGradient {
  View heads, noise, sigma;
  View dz;          // [rows, L], read if has_dz
  View dheads;      // [rows, 2 L], overwritten
  float kl_scale;   // weight of the KL mean in this lane's loss; 0 where the loss has none
  int32_t kl_task;  // >= 0: the KL is further weighted by that task's weight (merged lane)
  bool has_dz;
  float log_factor;  // as in Latent
  bool sums;         // the KL is a sum, not a mean
  EQ_FIELDS(heads, noise, sigma, dz, dheads, kl_scale, kl_task, has_dz, log_factor, sums)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return element_units<Team>(c.rows(heads), sigma.cols);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int size = sigma.cols;
    const auto [r, lane] = element_place<Team>(u, size);
    const float* mu = c.row(heads, r);
    const float* s = c.row(sigma, r);
    const float* e = c.row(noise, r);
    const float* d = has_dz ? c.row(dz, r) : nullptr;
    float* out = c.row(dheads, r);
    const float weight = kl_task < 0 ? 1.0f : static_cast<float>(c.control->shared_weights[kl_task]);
    const float k = kl_scale * weight / (sums ? 1.0f : static_cast<float>(c.n * size));
    each_column<Team::kLanes>(size, lane, [&](int j, int) {
      const float dzj = d ? d[j] : 0.0f;
      const float raw = log_factor * mu[size + j];
      const float slope = fmaf(dzj * e[j], s[j], k * fmaf(s[j], s[j], -1.0f));
      out[j] = fmaf(k, mu[j], dzj);
      out[size + j] = raw < kMinLogSigma || raw > kMaxLogSigma ? 0.0f : log_factor * slope;
    });
  }
};

}  // namespace equipoise
