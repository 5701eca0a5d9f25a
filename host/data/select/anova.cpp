// host/data/select/anova.cpp - the F of a one-way analysis of variance, or of a correlation test.
//
// Classes: F = (between / (classes - 1)) / (within / (rows - classes)), sums of squares between and within the classes
// that the known rows have. Numbers: F = r^2 / (1 - r^2) * (rows - 2), r Pearson's correlation with the outcome. Both
// are those of scikit-learn's f_classif and f_regression. A column that tells everything has the largest number there
// is, a constant one 0.
#include <algorithm>
#include <cmath>
#include <limits>

#include "host/data/select/select.h"

namespace equipoise {
namespace {

double ratio(double explained, double unexplained) {
  if (!(explained > 0)) return 0;
  return std::min(explained / unexplained, std::numeric_limits<double>::max());  // infinity, too
}

double f_of_classes(std::span<const float> values, const SelectJob& job) {
  const auto classes = static_cast<std::size_t>(job.outcome.classes);
  std::vector<double> sum(classes, 0.0), rows(classes, 0.0);
  double all = 0;
  for (const std::size_t row : job.known) {
    const auto k = static_cast<std::size_t>(job.outcome.values[row]);
    sum[k] += values[row];
    rows[k] += 1;
    all += values[row];
  }
  const auto n = static_cast<double>(job.known.size());
  double between = 0, within = 0, present = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    if (rows[k] == 0) continue;
    const double shift = sum[k] / rows[k] - all / n;
    between += rows[k] * shift * shift;
    present += 1;
  }
  for (const std::size_t row : job.known) {
    const auto k = static_cast<std::size_t>(job.outcome.values[row]);
    const double rest = values[row] - sum[k] / rows[k];
    within += rest * rest;
  }
  return ratio(between / (present - 1), within / (n - present));
}

double f_of_numbers(std::span<const float> values, const SelectJob& job) {
  const auto n = static_cast<double>(job.known.size());
  double x_sum = 0, y_sum = 0;
  for (const std::size_t row : job.known) {
    x_sum += values[row];
    y_sum += job.outcome.values[row];
  }
  double xx = 0, yy = 0, xy = 0;
  for (const std::size_t row : job.known) {
    const double x = values[row] - x_sum / n, y = job.outcome.values[row] - y_sum / n;
    xx += x * x;
    yy += y * y;
    xy += x * y;
  }
  if (!(xx > 0) || !(yy > 0)) return 0;
  const double square = xy / xx * xy / yy;
  return ratio(square * (n - 2), std::max(1 - square, 0.0));
}

}  // namespace

std::vector<double> anova_scores(const SelectJob& job) {
  std::vector<double> scores;
  for (const std::size_t column : job.candidates) {
    const std::span<const float> values = job.columns.at(column);
    scores.push_back(job.outcome.classes > 0 ? f_of_classes(values, job) : f_of_numbers(values, job));
  }
  return scores;
}

}  // namespace equipoise
