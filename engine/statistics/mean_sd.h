// engine/statistics/mean_sd.h - mean and sample standard deviation, always summed in the order of the values.
#pragma once

#include <span>

namespace equipoise {

/// Mean, and standard deviation with divisor n - 1.
///   No value: both NaN. One: itself, and a deviation of NaN, as one value says nothing of how values vary.
///   Equal values: exactly that value and exactly 0. A value that is not finite: both NaN.
struct MeanSd {
  double mean, sd;
};

MeanSd mean_sd(std::span<const double> values);

}  // namespace equipoise
