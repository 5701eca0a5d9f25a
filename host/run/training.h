// host/run/training.h - trains a model into its run folder, so that it can be stopped and killed at any moment.
#pragma once

#include <chrono>
#include <climits>
#include <functional>

#include "engine/train/trainer.h"
#include "host/run/run_folder.h"
#include "host/text/progress.h"

namespace equipoise {

struct Pace {
  std::function<bool()> stop = [] { return false; };    ///< asked between launches
  int most_steps = INT_MAX;                             ///< of one launch; each is kept to a fraction of a second
  std::chrono::milliseconds between_checkpoints{5000};  ///< at least
};

/// Trains until the trainer has finished (true) or `pace.stop` asks to stop (false): a metrics line per epoch, and the
/// newest checkpoint and the best model on disk every few seconds and at the end, either way. Throws what the trainer
/// and the folder throw; where the trainer stops at a non-finite value, the state before it is saved first.
bool train_into(RunFolder& folder, Trainer& trainer, Progress& progress, const Pace& pace);

}  // namespace equipoise
