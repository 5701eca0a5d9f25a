// host/run/training.cpp - the loop around the trainer.
#include "host/run/training.h"

#include <algorithm>

#include "engine/base/error.h"

namespace equipoise {

namespace {

using Clock = std::chrono::steady_clock;

/// How many steps one launch does: twice as many each time, as long as it stays short enough for a signal or a display
/// to wait for.
class LaunchLength {
 public:
  explicit LaunchLength(int most) : most_(most) {}
  int steps() const { return steps_; }
  void took(int64_t done, Clock::duration time) {
    const double per_step =
        std::chrono::duration<double>(time).count() / static_cast<double>(std::max<int64_t>(done, 1));
    const double fitting = kSeconds / std::max(per_step, 1e-9);
    steps_ = static_cast<int>(std::clamp(fitting, 1.0, std::min(2.0 * steps_, static_cast<double>(most_))));
  }

 private:
  static constexpr double kSeconds = 0.3;
  int most_;
  int steps_ = 1;
};

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
    std::optional<EpochMetrics> metrics;
    try {
      metrics = trainer.advance(launch.steps());
    } catch (const Error&) {
      if (trainer.control().status == Status::stopped) saver.save();
      throw;
    }
    launch.took(trainer.control().step - before, Clock::now() - begin);
    if (metrics) {
      folder.append_metrics(to_json_line(trainer.program(), *metrics, false), metrics->seconds);
      progress.epoch(*metrics, [&] { return trainer.dead_layers(); });
      if (metrics->best || trainer.best_epoch() == 0) saver.model_changed();
    } else {
      progress.steps(trainer.control().step);
    }
    if (saver.age() >= pace.between_checkpoints) saver.save();
  }
  saver.save();
  return !stopped;
}

}  // namespace equipoise
