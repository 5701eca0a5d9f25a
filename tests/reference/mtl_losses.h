// tests/reference/mtl_losses.h - losses of supervised tasks, each a mean over the targets that are not missing, of
// classes by the classes' weights where they have any.
#pragma once

#include <cmath>
#include <vector>

#include "tests/reference/losses.h"

namespace equipoise::reference {

enum class TargetKind {
  regression,  // squared error, over entries
  binary,      // binary cross-entropy with logits, over entries; targets 0 and 1
  classes,     // softmax cross-entropy over rows; the target is one column with the class number
  count        // Poisson's negative log likelihood with log link, over entries; targets 0, 1, 2, ...
};

struct TargetLoss {
  double loss = 0.0;
  Matrix gradient;        // by the prediction; zero where the target is missing
  bool labelled = false;  // false: no target at all, and then loss and gradient are zero
};

struct EntryLoss {
  double loss;
  double slope;
};

/// log(1 + exp x) - x t and its derivative by x.
inline EntryLoss binary_entry(double x, double target) {
  const double softplus = std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
  return {softplus - x * target, activate(Activation::sigmoid, x) - target};
}

inline EntryLoss squared_entry(double x, double target) {
  const double difference = x - target;
  return {difference * difference, 2.0 * difference};
}

/// exp(x) - x t + log t! and its derivative by x.
inline EntryLoss count_entry(double x, double target) {
  return {std::exp(x) - x * target + std::lgamma(target + 1.0), std::exp(x) - target};
}

inline EntryLoss entry_loss(TargetKind kind, double x, double target) {
  if (kind == TargetKind::count) return count_entry(x, target);
  return kind == TargetKind::binary ? binary_entry(x, target) : squared_entry(x, target);
}

/// The sum of entry(x, target) over the targets that are not NaN, with its derivative by x.
template <class Entry>
TargetLoss sum_over_targets(const Matrix& x, const Matrix& target, Entry entry) {
  require_same_shape(x, target);
  TargetLoss sum{0.0, Matrix(x.rows, x.cols), false};
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    if (std::isnan(target.values[i])) continue;
    const EntryLoss e = entry(x.values[i], target.values[i]);
    sum.loss += e.loss;
    sum.gradient.values[i] = e.slope;
    sum.labelled = true;
  }
  return sum;
}

inline TargetLoss class_loss(const Matrix& logits, const Matrix& target,
                             const std::vector<double>& class_weights = {}) {
  if (target.cols != 1) throw std::invalid_argument("class_loss: the target is one class number a row");
  std::vector<int> label;
  for (double t : target.values) label.push_back(std::isnan(t) ? -1 : static_cast<int>(t));
  CrossEntropy result = cross_entropy(logits, label, class_weights);
  return {result.loss, std::move(result.gradient), result.labelled};
}

/// prediction [batch, outputs]; target as the prediction, or [batch, 1] for classes; NaN marks a missing target.
/// class_weights [classes] of targets that are classes, or empty for all ones.
inline TargetLoss target_loss(TargetKind kind, const Matrix& prediction, const Matrix& target,
                              const std::vector<double>& class_weights = {}) {
  if (kind == TargetKind::classes) return class_loss(prediction, target, class_weights);
  const auto weight = [&](double t) {
    return class_weights.empty() ? 1.0 : class_weights.at(static_cast<std::size_t>(t));
  };
  TargetLoss mean = sum_over_targets(prediction, target, [&](double x, double t) {
    const EntryLoss one = entry_loss(kind, x, t);
    return EntryLoss{weight(t) * one.loss, weight(t) * one.slope};
  });
  double count = 0.0;
  for (double t : target.values) count += std::isnan(t) ? 0.0 : weight(t);
  if (!mean.labelled) return mean;
  mean.loss /= count;
  for (double& g : mean.gradient.values) g /= count;
  return mean;
}

}  // namespace equipoise::reference
