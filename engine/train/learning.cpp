// engine/train/learning.cpp - when a training loss has fallen by more than its noise.
#include "engine/train/learning.h"

#include <cmath>
#include <numeric>

namespace equipoise {

namespace {

constexpr double kDeviations = 3;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation_of(std::span<const double> values) {
  const double mean = mean_of(values);
  double squares = 0;
  for (const double x : values) squares += (x - mean) * (x - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace

bool has_fallen(std::span<const double> total) {
  if (total.empty()) return false;
  if (std::isnan(total.front())) return true;
  if (total.size() < 2 * kLearningWindow) return false;
  const std::span<const double> last = total.last(kLearningWindow);
  return mean_of(total.first(kLearningWindow)) - mean_of(last) > kDeviations * deviation_of(last);
}

int epoch_of_fall(std::span<const double> total) {
  for (std::size_t epochs = 1; epochs <= total.size(); ++epochs)
    if (has_fallen(total.first(epochs))) return static_cast<int>(epochs);
  return 0;
}

}  // namespace equipoise
