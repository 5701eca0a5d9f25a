// host/study/mean_thresholds.h - thresholds by which an ensemble decides: the mean of its members' own.
#pragma once

#include <cstddef>
#include <vector>

namespace equipoise {

/// Of each decision; {} where all members decide from 1/2 on, as a member does that has no thresholds.
inline std::vector<double> mean_thresholds(const std::vector<std::vector<double>>& of_members) {
  std::size_t decisions = 0;
  for (const std::vector<double>& thresholds : of_members)
    decisions = thresholds.size() > decisions ? thresholds.size() : decisions;
  std::vector<double> mean(decisions, 0.0);
  for (const std::vector<double>& thresholds : of_members)
    for (std::size_t d = 0; d < decisions; ++d)
      mean[d] += (thresholds.empty() ? 0.5 : thresholds[d]) / static_cast<double>(of_members.size());
  return mean;
}

}  // namespace equipoise
