// engine/systems/weighted_loss.h - the sum of losses by their initial weights: what Monitor::loss watches in systems
// whose losses all want to be small.
#pragma once

#include <span>

#include "engine/systems/evaluation.h"

namespace equipoise {

/// Initial weights, not the moving ones: epochs must stay comparable. A NaN is kept, so that a collapsed epoch never is
/// the best; only what no label feeds is left out.
inline double weighted_loss(const Evaluation& evaluation, std::span<const double> weights) {
  double sum = 0;
  for (std::size_t k = 0; k < evaluation.losses.size(); ++k)
    if (evaluation.counts[k] > 0) sum += weights[k] * evaluation.losses[k];
  return sum;
}

}  // namespace equipoise
