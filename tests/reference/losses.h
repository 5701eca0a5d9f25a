// tests/reference/losses.h - the losses MLDRL is made of, each with its derivatives.
#pragma once

#include <vector>

#include "tests/reference/activations.h"

namespace equipoise::reference {

/// The mean over all entries of (a - b)².
inline double mean_squared_error(const Matrix& a, const Matrix& b) {
  require_same_shape(a, b);
  double sum = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const double difference = a.values[i] - b.values[i];
    sum += difference * difference;
  }
  return sum / static_cast<double>(a.values.size());
}

/// The derivative of mean_squared_error(a, b) by a; that by b is its negative.
inline Matrix mean_squared_error_gradient(const Matrix& a, const Matrix& b) {
  Matrix da = a;
  accumulate(da, b, -1.0);
  for (double& v : da.values) v *= 2.0 / static_cast<double>(a.values.size());
  return da;
}

/// The mean over all entries of (mu² + sigma² - log sigma² - 1) / 2: the divergence of N(mu, sigma²) from N(0, 1)
/// (Kingma and Welling 2014, appendix B, averaged instead of summed).
inline double normal_divergence(const Matrix& mu, const Matrix& log_sigma) {
  require_same_shape(mu, log_sigma);
  double sum = 0.0;
  for (std::size_t i = 0; i < mu.values.size(); ++i) {
    const double m = mu.values[i];
    const double l = log_sigma.values[i];
    sum += 0.5 * (m * m + std::exp(2.0 * l) - 2.0 * l - 1.0);
  }
  return sum / static_cast<double>(mu.values.size());
}

struct DivergenceGradient {
  Matrix mu;         // as mu
  Matrix log_sigma;  // as log_sigma
};

inline DivergenceGradient normal_divergence_gradient(const Matrix& mu, const Matrix& log_sigma) {
  const double count = static_cast<double>(mu.values.size());
  DivergenceGradient d{mu, log_sigma};
  for (double& m : d.mu.values) m /= count;
  for (double& l : d.log_sigma.values) l = std::expm1(2.0 * l) / count;
  return d;
}

struct CrossEntropy {
  double loss = 0.0;      // sum_b weight[label_b] * -log softmax(scores_b)[label_b] / sum_b weight[label_b]
  Matrix gradient;        // by scores, [batch, classes]; zero rows where unlabelled
  bool labelled = false;  // false: no labelled row of positive weight, and then loss and gradient are zero
};

/// scores [batch, classes]; label -1 marks a row without a label, which counts nowhere;
/// class_weights [classes], or empty for all ones.
inline CrossEntropy cross_entropy(const Matrix& scores, const std::vector<int>& label,
                                  const std::vector<double>& class_weights = {}) {
  if (label.size() != static_cast<std::size_t>(scores.rows) ||
      (!class_weights.empty() && class_weights.size() != static_cast<std::size_t>(scores.cols))) {
    throw std::invalid_argument("cross_entropy: one label a row and one weight a class are needed");
  }
  CrossEntropy result{0.0, Matrix(scores.rows, scores.cols), false};
  const Matrix probability = softmax(scores);
  double total_weight = 0.0;
  for (int b = 0; b < scores.rows; ++b) {
    const int y = label[static_cast<std::size_t>(b)];
    if (y == -1) continue;
    if (y < 0 || y >= scores.cols) throw std::invalid_argument("cross_entropy: a label is no class");
    const double weight = class_weights.empty() ? 1.0 : class_weights[static_cast<std::size_t>(y)];
    double largest = scores.at(b, 0);
    for (int c = 1; c < scores.cols; ++c) largest = std::max(largest, scores.at(b, c));
    double sum = 0.0;
    for (int c = 0; c < scores.cols; ++c) sum += std::exp(scores.at(b, c) - largest);
    result.loss += weight * (std::log(sum) + largest - scores.at(b, y));
    for (int c = 0; c < scores.cols; ++c) result.gradient.at(b, c) = weight * (probability.at(b, c) - (c == y));
    total_weight += weight;
  }
  if (!(total_weight > 0.0)) return {0.0, Matrix(scores.rows, scores.cols), false};
  result.labelled = true;
  result.loss /= total_weight;
  for (double& v : result.gradient.values) v /= total_weight;
  return result;
}

enum class InherentVariational { ratio, difference };

/// From the distance of the shared parts and that of the specific parts: inherent / variational as published, or
/// inherent - variational as in the authors' code. The ratio is not finite where variational is zero.
inline double inherent_variational(InherentVariational form, double inherent, double variational) {
  return form == InherentVariational::ratio ? inherent / variational : inherent - variational;
}

struct InherentVariationalGradient {
  double by_inherent;
  double by_variational;
};

inline InherentVariationalGradient inherent_variational_gradient(InherentVariational form, double inherent,
                                                                 double variational) {
  if (form == InherentVariational::difference) return {1.0, -1.0};
  return {1.0 / variational, -inherent / (variational * variational)};
}

}  // namespace equipoise::reference
