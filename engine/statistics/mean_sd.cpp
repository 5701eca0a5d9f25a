// engine/statistics/mean_sd.cpp - sums of differences from the mean, which keep the digits that sums of values lose.
#include "engine/statistics/mean_sd.h"

#include <algorithm>
#include <cmath>

#include "engine/statistics/figures.h"

namespace equipoise {
namespace {

double mean_difference(std::span<const double> values, double from) {
  double sum = 0;
  for (const double x : values) sum += x - from;
  return sum / static_cast<double>(values.size());
}

}  // namespace

MeanSd mean_sd(std::span<const double> values) {
  if (values.empty() || !all_finite(values)) return {kUndefined, kUndefined};
  // Once from zero, and once from there: the second sum is of small numbers, and brings what the first has rounded
  // away.
  double mean = mean_difference(values, 0);
  mean += mean_difference(values, mean);
  if (values.size() == 1) return {mean, kUndefined};
  double largest = 0;
  for (const double x : values) largest = std::max(largest, std::fabs(x - mean));
  if (largest == 0) return {mean, 0};
  // Deviations are brought near 1 by a power of two, which costs no bits, lest their squares overflow or vanish.
  const int exponent = std::ilogb(largest);
  double squares = 0;
  for (const double x : values) {
    const double off = std::ldexp(x - mean, -exponent);
    squares += off * off;
  }
  return {mean, std::ldexp(std::sqrt(squares / static_cast<double>(values.size() - 1)), exponent)};
}

}  // namespace equipoise
