// engine/train/trainer.h - trains one model, or several replicas at once: epochs, validation, early stopping, best and
// last state, resume.
//
// The trainer writes no file. It hands out metrics and tensors, and takes tensors back to go on exactly where they were
// taken: after any step, with the same bits to come.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/dataset.h"
#include "engine/files/safetensors.h"
#include "engine/run/executor.h"
#include "engine/train/evaluator.h"
#include "engine/train/learning.h"
#include "engine/train/metrics.h"
#include "engine/train/training_plan.h"

namespace equipoise {

class Trainer {
 public:
  /// Keeps references to data, split and executor. `replicas` are the models to train at once, each as it would be
  /// alone: settings that differ in what they say of one replica (seed, rates, dropout, weights, its number); their
  /// rows are set here. Throws Error(data) where the plan asks of the data what it has not: no training rows, an AUC to
  /// watch without both classes among the validation rows.
  Trainer(const Dataset& data, const Split& split, const TrainingPlan& plan, std::span<const Settings> replicas,
          Executor& executor);
  /// One model with the plan's settings.
  Trainer(const Dataset& data, const Split& split, const TrainingPlan& plan, Executor& executor);

  /// Runs up to `steps` steps of every replica, but not past its epoch's end. At the end of an epoch, validates and
  /// returns the metrics of each replica whose epoch ended. Throws Error(numerics) where the policy says stop, naming
  /// step, replica and tensor; that replica's state is then the one before the bad step.
  std::vector<std::optional<EpochMetrics>> advance_all(int steps);
  /// The same of the first replica alone.
  std::optional<EpochMetrics> advance(int steps) { return advance_all(steps).front(); }
  int steps_per_epoch() const;

  std::size_t replicas() const { return replicas_.size(); }
  /// True when all replicas are finished: the last epoch is done, patience has run out, the replica is frozen, or every
  /// step of an epoch was left out. Patience counts from the best epoch, but not before plan().warmup epochs are done
  /// or, where that is 0, before the training loss has fallen (engine/train/learning.h).
  bool finished() const;
  bool finished(std::size_t replica) const;
  /// Why a replica that finished cannot be relied on: it is frozen, or every step of its last epoch was left out. "" of
  /// any other.
  std::string failure(std::size_t replica = 0) const;
  /// True if patience, and nothing else, ended the replica.
  bool out_of_patience(std::size_t replica = 0) const;
  /// Why a replica finished, for people.
  std::string finish_reason(std::size_t replica = 0) const;

  int best_epoch(std::size_t r = 0) const { return replicas_[r].best_epoch; }  ///< 0 before the first
  const std::optional<Evaluation>& best(std::size_t r = 0) const { return replicas_[r].best; }
  const LossHistory& losses(std::size_t r = 0) const { return replicas_[r].losses; }
  const Control& control(std::size_t r = 0) const { return controls_[r]; }
  const Program& program() const { return program_; }
  const TrainingPlan& plan() const { return plan_; }

  /// Layers of the last state through which nothing comes on any training row (engine/train/dead_layers.h).
  std::vector<std::string> dead_layers(std::size_t replica = 0) const;
  /// Parameters of a replica's best epoch (without validation: of the last step), with what is needed to use them.
  TensorFile model(std::size_t replica = 0);
  /// Parameters of a replica's last step, in the same form.
  TensorFile last_parameters(std::size_t replica = 0) const;
  /// Everything to go on from here with a replica.
  TensorFile checkpoint(std::size_t replica = 0) const;
  /// Goes on with a replica from a checkpoint. Throws Error(checkpoint) if it does not belong to this plan; nothing is
  /// changed then.
  void restore(const TensorFile& checkpoint, std::size_t replica = 0);
  /// SHA-256 over all parameters and moments of a replica, little-endian, in name order, then over metric lines without
  /// times.
  std::string hash(const std::vector<std::string>& lines_without_time, std::size_t replica = 0) const;
  /// The same of lines that need not be in memory at once: `each_line` hands them over in their order.
  using LineVisitor = std::function<void(std::string_view)>;
  std::string hash_over(const std::function<void(const LineVisitor&)>& each_line, std::size_t replica = 0) const;

 private:
  /// What the host knows of a replica besides its settings and control.
  struct Replica {
    std::vector<float> best_state;  // parameters of the best epoch, moments zero
    int best_epoch = 0;
    double best_value = 0;
    std::optional<Evaluation> best{};
    LossHistory losses{};
    int fell = 0;  // epoch at whose end the training loss had first fallen; 0 before
    double epoch_seconds = 0;
  };

  std::vector<float> all_states() const;  // [replicas, state_floats]
  std::vector<float> state(std::size_t replica) const;
  void load_state(std::size_t replica, const std::vector<float>& state);
  TrainingPlan plan_of(std::size_t replica) const;
  void start_epoch(std::size_t replica);
  void expect_running(std::size_t replica) const;
  void note_losses(std::size_t replica, const EpochMetrics& metrics);
  bool left_out(std::size_t replica) const;
  bool validate(std::size_t replica, const Evaluation& evaluation);
  void add_fitted(TensorFile& file, std::size_t replica, const std::vector<float>& chosen);
  double monitored(std::size_t replica, const Evaluation& evaluation) const;

  const Dataset& data_;
  const Split& split_;
  TrainingPlan plan_;
  Executor& executor_;
  Program program_;
  Evaluator evaluator_;
  std::vector<Settings> settings_;  // [replicas]
  std::vector<Control> controls_;   // [replicas]
  std::vector<Replica> replicas_;
};

}  // namespace equipoise
