// engine/statistics/figures.cpp - sums over answers, in double.
#include "engine/statistics/figures.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/base/strict_math.h"

namespace equipoise {

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

int count_labels(std::span<const int> label) {
  return static_cast<int>(std::count_if(label.begin(), label.end(), [](int l) { return l >= 0; }));
}

double accuracy_of(std::span<const double> probability, std::span<const int> label, int classes) {
  int64_t right = 0, known = 0;
  for (std::size_t r = 0; r < label.size(); ++r) {
    if (label[r] < 0) continue;
    const auto row = probability.subspan(r * static_cast<std::size_t>(classes), static_cast<std::size_t>(classes));
    right += std::max_element(row.begin(), row.end()) - row.begin() == label[r];
    ++known;
  }
  return static_cast<double>(right) / static_cast<double>(known);
}

std::vector<double> softmax_rows(std::span<const float> logits, int classes) {
  std::vector<double> p(logits.begin(), logits.end());
  for (std::size_t first = 0; first < p.size(); first += static_cast<std::size_t>(classes)) {
    double* row = p.data() + first;
    const double largest = *std::max_element(row, row + classes);
    double sum = 0;
    for (int c = 0; c < classes; ++c) sum += row[c] = strict_exp(row[c] - largest);
    for (int c = 0; c < classes; ++c) row[c] /= sum;
  }
  return p;
}

double sigmoid(float logit) { return 1.0 / (1.0 + strict_exp(-double{logit})); }

double mean_squared_error(std::span<const float> a, std::span<const float> b, std::span<const int> row, int cols) {
  const auto width = static_cast<std::size_t>(cols);
  double sum = 0;
  for (std::size_t r = 0; r < row.size(); ++r)
    for (std::size_t c = 0; c < width; ++c) {
      const double d = double{a[r * width + c]} - double{b[static_cast<std::size_t>(row[r]) * width + c]};
      sum += d * d;
    }
  return sum / static_cast<double>(row.size() * width);
}

}  // namespace equipoise
