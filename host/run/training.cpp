// host/run/training.cpp - the loop around the trainer.
#include "host/run/training.h"

#include <algorithm>

#include "engine/base/error.h"
#include "host/run/launch_length.h"

namespace equipoise {

namespace {

using Clock = std::chrono::steady_clock;

class Saver {
 public:
  Saver(RunFolder& folder, Trainer& trainer) : folder_(folder), trainer_(trainer) {}

  /// The model changed (that of the best epoch, or of the last where none is): it is written with the next checkpoint.
  void model_changed() { model_due_ = true; }
  void save() {
    folder_.write_checkpoint(trainer_.checkpoint());
    if (model_due_) folder_.write_model(trainer_.model());
    model_due_ = false;
    saved_ = Clock::now();
  }
  Clock::duration age() const { return Clock::now() - saved_; }

 private:
  RunFolder& folder_;
  Trainer& trainer_;
  bool model_due_ = false;
  Clock::time_point saved_ = Clock::now();
};

}  // namespace

bool train_into(RunFolder& folder, Trainer& trainer, Progress& progress, const Pace& pace) {
  Saver saver(folder, trainer);
  LaunchLength launch(pace.most_steps);
  // A run that is resumed after its last checkpoint may lack the model that belongs to it.
  if (trainer.best_epoch() > 0) saver.model_changed();
  bool stopped = false;
  while (!trainer.finished() && !(stopped = pace.stop())) {
    const int64_t before = trainer.control().step;
    const auto begin = Clock::now();
    std::vector<EpochMetrics> epochs;
    try {
      epochs = std::move(trainer.advance_epochs(launch.steps()).front());
    } catch (const Error&) {
      if (trainer.control().status == Status::stopped) saver.save();
      throw;
    }
    launch.took(trainer.control().step - before, Clock::now() - begin);
    for (const EpochMetrics& metrics : epochs) {
      folder.append_metrics(to_json_line(trainer.program(), metrics, false), metrics.seconds);
      progress.epoch(metrics, [&] { return trainer.dead_layers(); });
      if (metrics.best || trainer.best_epoch() == 0) saver.model_changed();
    }
    if (epochs.empty()) progress.steps(trainer.control().step);
    if (saver.age() >= pace.between_checkpoints) saver.save();
  }
  saver.save();
  return !stopped;
}

}  // namespace equipoise
