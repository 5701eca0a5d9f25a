// engine/systems/weighted_loss.h - what monitors of losses watch in systems whose losses all want to be small: inside a
// launch, and the same of an evaluation.
#pragma once

#include "engine/systems/evaluation.h"
#include "engine/systems/system.h"

namespace equipoise {

/// The sum of losses by their initial weights, not the moving ones: epochs must stay comparable.
inline Watch watch_weighted_losses(const Monitored& by) {
  Watch watch;
  watch.watched = Watched::losses;
  for (std::size_t k = 0; k < by.weights.size() && k < kMaxTasks; ++k)
    watch.tasks[k] = {.watched = by.task < 0 || static_cast<std::size_t>(by.task) == k, .weight = by.weights[k]};
  return watch;
}

/// A NaN is kept, so that a collapsed epoch never is the best; only what no label feeds is left out.
inline double watched_losses(const Evaluation& evaluation, const Watch& watch) {
  double sum = 0;
  int fed = 0;
  for (std::size_t k = 0; k < evaluation.losses.size(); ++k) {
    const WatchedTask& task = watch.tasks[k];
    if (!task.watched || !(evaluation.counts[k] > 0)) continue;
    sum += task.weight * (evaluation.losses[k] - task.least);
    ++fed;
  }
  return -(watch.averages ? sum / fed : sum);
}

}  // namespace equipoise
