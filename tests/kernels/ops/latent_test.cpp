// tests/kernels/ops/latent_test.cpp - reparameterisation, KL divergence and their gradients against the double
// reference.
#include "kernels/ops/latent.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

constexpr Tolerance kExp{.rel = 4 * kRounding, .why = "an exp within 2 ulp, one fma and a rounding"};

/// A rig with heads, noise and room for everything else; log sigma of one element lies beyond each end of the clamp.
/// log sigma is `factor` times the second head.
struct LatentRig {
  LatentRig(const Shape& s, uint64_t seed, float log_factor = 1.0f)
      : rig(s.batch, s.n), size(s.cols), factor(log_factor) {
    reference::Draws draws(seed);
    heads = rig.matrix(2, 2 * size);
    noise = rig.matrix(2, size);
    sigma = rig.matrix(2, size);
    z = rig.matrix(2, size);
    kl = rig.doubles(2 * s.batch * kRowLanes);
    rig.fill(heads, draws, -3.0, 2.0);
    rig.fill(noise, draws, -3.0, 3.0);
    rig.row(heads, 0)[size] = -31.0f / factor;
    rig.row(heads, rig.rows(heads) - 1)[2 * size - 1] = 20.5f / factor;
  }
  double log_sigma(int r, int j) {
    const double l = double{factor} * rig.row(heads, r)[size + j];
    return l < -30 ? -30 : l > 20 ? 20 : l;
  }
  void forward(bool use_noise) {
    rig.run(Latent{heads, noise, sigma, z, kl, use_noise, factor},
            {rig.written(sigma), rig.written(z), Rig::written_doubles(kl, rig.rows(heads) * kRowLanes)});
  }

  Rig rig;
  int size;
  float factor;
  View heads{}, noise{}, sigma{}, z{};
  Place kl{};
};

void expect_samples(float factor) {
  for (const Shape& s : kShapes)
    for (bool use_noise : {true, false}) {
      LatentRig l(s, 21, factor);
      l.forward(use_noise);
      for (int r = 0; r < l.rig.rows(l.heads); ++r) {
        double magnitude = 0, expected_row = 0, row = 0;
        for (int j = 0; j < s.cols; ++j) {
          const std::string where = name_of(s) + " " + coordinate("", r, j);
          const double mu = l.rig.row(l.heads, r)[j], sigma = std::exp(l.log_sigma(r, j));
          const double e = use_noise ? l.rig.row(l.noise, r)[j] : 0.0;
          expect_close(l.rig.row(l.sigma, r)[j], sigma, sigma, kExp, where + " sigma");
          expect_close(l.rig.row(l.z, r)[j], mu + sigma * e, std::fabs(mu) + std::fabs(sigma * e), kExp, where + " z");
          expected_row += 0.5 * (mu * mu + sigma * sigma - 2 * l.log_sigma(r, j) - 1);
          magnitude += 0.5 * (mu * mu + sigma * sigma + 2 * std::fabs(l.log_sigma(r, j)) + 1);
        }
        for (int lane = 0; lane < kRowLanes; ++lane) {
          const double slot = l.rig.double_at(l.kl, r * kRowLanes + lane);
          EXPECT_TRUE(lane < s.cols || slot == 0.0) << "an absent column's lane holds " << slot;
          row += slot;
        }
        const Tolerance t{.rel = 8 * kRounding, .why = "sigma^2 carries twice sigma's error, the sum is float64"};
        expect_close(row, expected_row, magnitude, t, name_of(s) + " KL of row " + std::to_string(r));
      }
    }
}

TEST(Latent, SamplesMuPlusSigmaTimesNoiseAndSlotsTheDivergence) { expect_samples(1.0f); }

TEST(Latent, TakesLogSigmaAsHalfOfALogVariance) { expect_samples(0.5f); }

TEST(Latent, ClampsLogSigmaAtBothEnds) {
  LatentRig l({2, 2, 5}, 22);
  l.forward(true);
  EXPECT_EQ(l.rig.row(l.sigma, 0)[0], strict_exp(kMinLogSigma));
  EXPECT_EQ(l.rig.row(l.sigma, 3)[4], strict_exp(kMaxLogSigma));
}

TEST(Latent, PassesANaNOfLogSigmaOn) {
  LatentRig l({1, 1, 3}, 23);
  l.rig.row(l.heads, 1)[4] = std::numeric_limits<float>::quiet_NaN();
  l.forward(true);
  EXPECT_TRUE(std::isnan(l.rig.row(l.z, 1)[1]));
  EXPECT_TRUE(std::isnan(l.rig.double_at(l.kl, kRowLanes + 1)));
}

/// The form of the second head and of the KL.
struct Form {
  float factor;
  bool sums;
};
constexpr Form kMean{1.0f, false};

/// One lane's gradient: dz present or not, the KL absent, plain or weighted by a task.
void expect_gradient(const Shape& s, bool has_dz, float kl_scale, int task, const Form& form = kMean) {
  LatentRig l(s, 24, form.factor);
  Rig& rig = l.rig;
  const View dz = rig.matrix(2, s.cols), dheads = rig.matrix(2, 2 * s.cols);
  reference::Draws draws(25);
  if (has_dz) rig.fill(dz, draws);
  rig.control().shared_weights[2] = 1.75;
  l.forward(true);
  rig.run(LatentGradient{l.heads, l.noise, l.sigma, dz, dheads, kl_scale, task, has_dz, form.factor, form.sums},
          {rig.written(dheads)});
  const double k = double{kl_scale} * (task < 0 ? 1.0 : 1.75) / (form.sums ? 1 : s.n * s.cols);
  for (int r = 0; r < rig.rows(dheads); ++r)
    for (int j = 0; j < s.cols; ++j) {
      const double mu = rig.row(l.heads, r)[j], raw = double{form.factor} * rig.row(l.heads, r)[s.cols + j];
      const double e = rig.row(l.noise, r)[j], sigma = rig.row(l.sigma, r)[j];  // the float32 sigma it reads
      const double d = has_dz ? double{rig.row(dz, r)[j]} : 0.0;
      const Tolerance t{.rel = 6 * kRounding, .why = "k is three roundings off, each term one more, their sum one"};
      const std::string where = name_of(s) + " " + coordinate("dheads", r, j);
      expect_close(rig.row(dheads, r)[j], d + k * mu, std::fabs(d) + std::fabs(k * mu), t, where + " mu");
      const double inside = d * e * sigma + k * (sigma * sigma - 1);
      const double slope = raw < -30 || raw > 20 ? 0.0 : double{form.factor} * inside;
      const double magnitude = std::fabs(d * e * sigma) + std::fabs(k) * (sigma * sigma + 1);
      expect_close(rig.row(dheads, r)[s.cols + j], slope, raw < -30 || raw > 20 ? 0.0 : magnitude, t,
                   where + " log sigma");
    }
}

TEST(LatentGradient, AddsTheDivergencesShareToWhatFlowsBack) {
  for (const Shape& s : kShapes) {
    expect_gradient(s, true, 1.0f, -1);
    expect_gradient(s, true, 0.0f, -1);
    expect_gradient(s, false, 1.0f, -1);
    expect_gradient(s, true, 1.0f, 2);
    expect_gradient(s, false, 0.5f, 2);
  }
}

TEST(LatentGradient, OfALogVarianceAndOfASummedDivergenceIsTheirs) {
  for (const Shape& s : kShapes)
    for (const Form& form : {Form{0.5f, false}, Form{1.0f, true}, Form{0.5f, true}}) {
      expect_gradient(s, true, 1.0f, -1, form);
      expect_gradient(s, false, 0.5f, 2, form);
    }
}

TEST(LatentGradient, VanishesWhereLogSigmaIsClampedNotWhereTheLogVarianceWouldBe) {
  LatentRig l({2, 2, 3}, 28, 0.5f);
  const View dheads = l.rig.matrix(2, 6);
  const float log_variance[] = {-50.0f, 30.0f, 41.0f};  // log sigma -25, 15 and, beyond its end, 20.5
  for (int j = 0; j < 3; ++j) l.rig.row(l.heads, 1)[3 + j] = log_variance[j];
  l.forward(true);
  l.rig.run(LatentGradient{l.heads, l.noise, l.sigma, {}, dheads, 1.0f, -1, false, 0.5f, true},
            {l.rig.written(dheads)});
  const float* slope = l.rig.row(dheads, 1) + 3;
  EXPECT_EQ(slope[0], -0.5f) << "(sigma^2 - 1) / 2, sigma all but zero";
  EXPECT_NEAR(slope[1] / (0.5 * std::exp(30.0)), 1.0, 1e-5);
  EXPECT_EQ(slope[2], 0.0f);
}

/// Central differences of KL + sum(dz * z) in double, over both heads, at one row of each view.
void expect_derivative(const Form& form) {
  constexpr int kSize = 4;
  LatentRig l({3, 3, kSize}, 26, form.factor);
  Rig& rig = l.rig;
  rig.row(l.heads, 0)[kSize] = -0.5f;  // nothing clamped here
  rig.row(l.heads, 5)[2 * kSize - 1] = 0.5f;
  const View dz = rig.matrix(2, kSize), dheads = rig.matrix(2, 2 * kSize);
  reference::Draws draws(27);
  rig.fill(dz, draws);
  l.forward(true);
  rig.run(LatentGradient{l.heads, l.noise, l.sigma, dz, dheads, 1.0f, -1, true, form.factor, form.sums},
          {rig.written(dheads)});
  for (int r : {0, 4})
    for (int c = 0; c < 2 * kSize; ++c) {
      const auto loss = [&](double step) {
        double sum = 0;
        for (int j = 0; j < kSize; ++j) {
          const double mu = rig.row(l.heads, r)[j] + (c == j ? step : 0);
          const double head = rig.row(l.heads, r)[kSize + j] + (c == kSize + j ? step : 0);
          const double log_sigma = double{form.factor} * head, sigma = std::exp(log_sigma);
          sum += 0.5 * (mu * mu + sigma * sigma - 2 * log_sigma - 1) / (form.sums ? 1 : 3 * kSize);
          sum += rig.row(dz, r)[j] * (mu + sigma * rig.row(l.noise, r)[j]);
        }
        return sum;
      };
      const double slope = (loss(1e-5) - loss(-1e-5)) / 2e-5;
      const Tolerance t{.rel = 2e-6, .why = "float32 sigma, and central differences with h = 1e-5"};
      expect_close(rig.row(dheads, r)[c], slope, std::fabs(slope) + 1, t, coordinate("dheads", r, c));
    }
}

TEST(LatentGradient, IsTheDerivativeOfTheDivergenceAndTheSample) {
  for (const Form& form : {kMean, Form{0.5f, false}, Form{1.0f, true}, Form{0.5f, true}}) expect_derivative(form);
}

}  // namespace
}  // namespace equipoise::test
