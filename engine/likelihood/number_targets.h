// engine/likelihood/number_targets.h - what pages of numbers share: their known entries beside each column's mean.
#pragma once

#include <cmath>

#include "engine/likelihood/likelihood.h"

namespace equipoise::number_targets {

/// Calls judge(value, i, mean) for every entry i of `all.truth` that is known, column by column; `mean` is that of the
/// column's known entries. Returns how many there are.
template <class Judge>
double each_known(const TaskTruth& all, Judge&& judge) {
  const auto cols = static_cast<std::size_t>(all.target.cols);
  double count = 0;
  for (std::size_t c = 0; c < cols; ++c) {
    double sum = 0, known = 0;
    for (std::size_t i = c; i < all.truth.size(); i += cols)
      if (const float t = all.truth[i]; !std::isnan(t)) sum += t, known += 1;
    for (std::size_t i = c; i < all.truth.size(); i += cols)
      if (const double t = all.truth[i]; !std::isnan(t)) judge(t, i, sum / known);
    count += known;
  }
  return count;
}

}  // namespace equipoise::number_targets
