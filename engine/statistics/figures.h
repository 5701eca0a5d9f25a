// engine/statistics/figures.h - figures by which models are judged, and the sums behind them that several share.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <vector>

namespace equipoise {

/// A figure by name: one value, or one for each of several parts (such as two views).
struct Figure {
  std::string name;
  std::vector<double> values;  ///< NaN where undefined
};

inline constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

/// A model that overflows says nothing; its figures are undefined rather than an error, as training may go on.
bool all_finite(std::span<const double> values);

/// Rows with a label; -1 marks one without.
int count_labels(std::span<const int> label);

/// Share of the rows with a label whose largest probability is that of their class. `probability` is [rows, classes].
double accuracy_of(std::span<const double> probability, std::span<const int> label, int classes);

/// exp(x) / sum exp(x) of each row, in double.
std::vector<double> softmax_rows(std::span<const float> logits, int classes);

/// 1 / (1 + exp(-logit)) in double.
double sigmoid(float logit);

/// Mean over all elements of (a - b)^2; rows of `b` are `row[i]` of [.., cols], those of `a` follow one another.
double mean_squared_error(std::span<const float> a, std::span<const float> b, std::span<const int> row, int cols);

}  // namespace equipoise
