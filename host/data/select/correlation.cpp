// host/data/select/correlation.cpp - columns that repeat one that is kept already.
//
// Candidates are walked through in their order: the best of the last supervised method first, else as the tables have
// them. score = the largest |Pearson's r| with a candidate before it that passed; one above the bound does not pass.
// Floor: candidates * passed * rows products.
#include <algorithm>
#include <cmath>

#include "host/data/select/select.h"

namespace equipoise {
namespace {

/// Shifted to mean 0 and scaled to length 1; zeros of a constant column.
std::vector<double> unit_column(std::span<const float> values) {
  double sum = 0;
  for (const float x : values) sum += x;
  const double mean = sum / static_cast<double>(values.size());
  std::vector<double> unit;
  double squares = 0;
  for (const float x : values) {
    unit.push_back(x - mean);
    squares += unit.back() * unit.back();
  }
  const double length = std::sqrt(squares);
  for (double& x : unit) x = length > 0 ? x / length : 0;
  return unit;
}

double product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t row = 0; row < a.size(); ++row) sum += a[row] * b[row];
  return sum;
}

}  // namespace

std::vector<double> correlation_scores(const SelectJob& job) {
  std::vector<std::vector<double>> passed;
  std::vector<double> scores;
  for (const std::size_t column : job.candidates) {
    std::vector<double> unit = unit_column(job.columns.at(column));
    double largest = 0;
    for (const std::vector<double>& other : passed) largest = std::max(largest, std::fabs(product(unit, other)));
    scores.push_back(std::min(largest, 1.0));
    if (scores.back() <= job.setting) passed.push_back(std::move(unit));
  }
  return scores;
}

}  // namespace equipoise
