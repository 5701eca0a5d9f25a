// engine/train/trainer.h - trains one model: epochs, validation, early stopping, best and last state, resume.
//
// The trainer writes no file. It hands out metrics and tensors, and takes tensors back to go on exactly where they were
// taken: after any step, with the same bits to come.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/dataset.h"
#include "engine/files/safetensors.h"
#include "engine/run/executor.h"
#include "engine/train/evaluator.h"
#include "engine/train/metrics.h"
#include "engine/train/training_plan.h"

namespace equipoise {

class Trainer {
 public:
  /// Keeps references to data, split and executor. Throws Error(data) where the plan asks of the data what it has not:
  /// no training rows, an AUC to watch without both classes among the validation rows.
  Trainer(const Dataset& data, const Split& split, const TrainingPlan& plan, Executor& executor);

  /// Runs up to `steps` steps, but not past the epoch's end. At the end of an epoch, validates and returns its metrics.
  /// Throws Error(numerics) where the policy says stop, naming step, replica and tensor; the state is then that before
  /// the bad step.
  std::optional<EpochMetrics> advance(int steps);
  int steps_per_epoch() const;

  /// True when the last epoch is done, patience has run out, or the replica is frozen.
  bool finished() const;
  /// Why it finished, for people.
  std::string finish_reason() const;

  int best_epoch() const { return best_epoch_; }  ///< 0 before the first
  const std::optional<Evaluation>& best() const { return best_; }
  const Control& control() const { return control_; }
  const Program& program() const { return program_; }
  const TrainingPlan& plan() const { return plan_; }

  /// Parameters of the best epoch (without validation: of the last step), with what is needed to use them.
  TensorFile model();
  /// Everything to go on from here.
  TensorFile checkpoint() const;
  /// Goes on from a checkpoint. Throws Error(checkpoint) if it does not belong to this plan; nothing is changed then.
  void restore(const TensorFile& checkpoint);
  /// SHA-256 over all parameters and moments, little-endian, in name order, then over metric lines without times.
  std::string hash(const std::vector<std::string>& lines_without_time) const;

 private:
  std::vector<float> state() const;
  void start_epoch();
  void add_fitted(TensorFile& file, const std::vector<float>& chosen, const std::vector<float>& now);
  double monitored(const Evaluation& evaluation) const;

  const Dataset& data_;
  const Split& split_;
  TrainingPlan plan_;
  Executor& executor_;
  Program program_;
  Evaluator evaluator_;
  Control control_;
  std::vector<float> best_state_;  // parameters of the best epoch, moments zero
  int best_epoch_ = 0;
  double best_value_ = 0;
  std::optional<Evaluation> best_;
  double epoch_seconds_ = 0;
};

}  // namespace equipoise
