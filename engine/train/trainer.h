// engine/train/trainer.h - trains one model, or several members of a study at once: epochs, validation, early stopping,
// best and last state, resume.
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
#include "engine/train/member.h"
#include "engine/train/metrics.h"
#include "engine/train/training_plan.h"

namespace equipoise {

/// The programs of a training: its steps, and the evaluation that ends its epochs, which lies beside it.
struct TrainingPrograms {
  Program train, validate;
};
/// Of members of one group.
TrainingPrograms training_programs(std::span<const Member> members, const PlanLimits& limits);

class Trainer {
 public:
  /// Trains members at once, each of which is replica r of the executor and what it would be alone, to the last bit.
  /// All are of one group (groups_of): else std::logic_error. A member that meets a non-finite value and whose policy
  /// says stop is finished, with a failure(); the others go on. Throws Error(data) where a plan asks of the data what
  /// it has not: no training rows, an AUC to watch without both classes among the validation rows.
  Trainer(std::span<const Member> members, Executor& executor);
  /// One model, whose policy makes the advance functions throw where it says stop.
  Trainer(const Dataset& data, const Split& split, const TrainingPlan& plan, Executor& executor);

  /// Runs up to `steps` steps of every replica, from epoch to epoch. Where one ends, validates and goes on. Returns
  /// the metrics of each replica's epochs that ended. A replica that is finished neither steps nor validates. Where the
  /// room for records of epochs is full, these are judged by the host while the device goes on; a replica that others
  /// leave behind there may have done fewer steps.
  /// Throws Error(numerics) where a model that trains alone meets a non-finite value and its policy says stop, naming
  /// step, replica and tensor, once all metrics are told; its state is then the one before the bad step.
  std::vector<std::vector<EpochMetrics>> advance_epochs(int steps);
  /// The same where nobody reads the metrics: validates only those whose monitor chooses by it.
  void advance_without_metrics(int steps);
  /// As advance_epochs(), but not past the end of a replica's epoch.
  std::vector<std::optional<EpochMetrics>> advance_all(int steps);
  /// The same of the first replica alone.
  std::optional<EpochMetrics> advance(int steps) { return advance_all(steps).front(); }
  int steps_per_epoch(std::size_t replica = 0) const;

  std::size_t replicas() const { return replicas_.size(); }
  /// True when all replicas are finished: the last epoch is done, patience has run out, the replica is frozen, or
  /// stopped among others, or every step of an epoch was left out. Patience counts from the best epoch, but not before
  /// plan().warmup epochs are done or, where that is 0, before the training loss has fallen (engine/train/learning.h).
  bool finished() const;
  bool finished(std::size_t replica) const;
  /// Why a replica that finished cannot be relied on: it is frozen or stopped, or every step of its last epoch was left
  /// out. "" of any other.
  std::string failure(std::size_t replica = 0) const;
  /// True if patience, and nothing else, ended the replica.
  bool out_of_patience(std::size_t replica = 0) const;
  /// Why a replica finished, for people.
  std::string finish_reason(std::size_t replica = 0) const;

  int best_epoch(std::size_t r = 0) const { return standings_[r].best_epoch; }  ///< 0 before the first
  /// What the model of the best epoch says of the validation rows; asked anew where nobody read that epoch's metrics.
  const std::optional<Evaluation>& best(std::size_t r = 0);
  const LossHistory& losses(std::size_t r = 0) const { return replicas_[r].losses; }
  const Control& control(std::size_t r = 0) const { return controls_[r]; }
  const Program& program() const { return program_; }
  /// A replica's plan; its settings say too where its rows lie.
  const TrainingPlan& plan(std::size_t r = 0) const { return members_[r].plan; }

  /// Layers of the last state through which nothing comes on any training row (engine/train/dead_layers.h).
  std::vector<std::string> dead_layers(std::size_t replica = 0) const;
  /// Parameters of a replica's best epoch (without validation: of the last step), with what is needed to use them.
  TensorFile model(std::size_t replica = 0);
  /// Parameters of a replica's last step, in the same form.
  TensorFile last_parameters(std::size_t replica = 0) const;
  /// What the model of each replica says of its rows of a part, as `equipoise evaluate` does: that of the best epoch,
  /// or of the last step where none was chosen. Nothing of the training changes. `thresholds` are of each replica, or
  /// none for all; a replica without such rows has no evaluation.
  std::vector<std::optional<Evaluation>> evaluate_best(Part part, std::span<const std::vector<double>> thresholds = {});
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
  /// What the host knows of a replica besides its settings, control and standing.
  struct Replica {
    std::optional<Evaluation> best{};
    LossHistory losses{};
    double epoch_seconds = 0;  // of the epoch that has begun
  };

  enum class OnStop { throws, finishes };  // what a replica that stopped does to the others

  Trainer(std::span<const Member> members, Executor& executor, OnStop on_stop);
  /// What a run of epochs leaves, [replicas, slots] each.
  struct Ring {
    std::vector<double> records{};
    Emitted emitted{};
    std::size_t slots = 0;
  };
  /// An epoch that ended: where a ring has its record, and how long it took.
  struct Ended {
    std::size_t replica, slot;
    double seconds;
  };
  std::vector<std::vector<EpochMetrics>> run(int steps, int most_epochs, bool with_metrics);
  std::vector<Ended> run_epochs(int steps, int most_epochs, bool with_metrics, Ring& ring);
  int record_slots(int steps, int most_epochs, bool with_metrics, int rows) const;
  std::span<const double> record_at(const Ring& ring, std::size_t replica, std::size_t slot) const;
  std::vector<std::vector<EpochMetrics>> judge(const Ring& ring, const std::vector<Ended>& ended) const;
  EvaluatedRows rows_at(std::size_t replica, Part part) const;
  std::vector<std::optional<Evaluation>> evaluations(std::vector<EvaluatedRows> of,
                                                     std::span<const std::vector<double>> thresholds = {});
  std::vector<float> state(std::size_t replica) const;
  std::vector<float> best_state(std::size_t replica) const;
  void expect_running(std::size_t replica) const;
  bool ended_by_values(std::size_t replica) const;
  void add_fitted(TensorFile& file, std::size_t replica, const std::vector<float>& chosen);

  std::vector<Member> members_;
  Executor& executor_;
  OnStop on_stop_;
  Program program_;
  Program validation_;  // beside it
  RecordShape shape_;
  Evaluator evaluator_;
  std::vector<Settings> settings_;        // [replicas]
  std::vector<Control> controls_;         // [replicas]
  std::vector<EpochRules> rules_;         // [replicas]
  std::vector<EpochStanding> standings_;  // [replicas]
  std::vector<Replica> replicas_;
  // Of runs; kept, as making their memory anew takes longer than an epoch of a small model.
  std::vector<Control> validated_;
  Ring rings_[2];  // one is judged while the next run fills the other
};

}  // namespace equipoise
