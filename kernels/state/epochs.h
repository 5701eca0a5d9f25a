// kernels/state/epochs.h - what the end of an epoch goes by and what it leaves: rules, standing and records of one
// replica, so that a launch goes through epochs without the host.
//
// An epoch is judged on the validation rows, where there are any: the one whose monitor is largest is the best so far,
// and its parameters are kept. Patience counts from the best epoch, but not before the warm-up is over or, where there
// is none, before the training loss has fallen: first at the end of epoch e, where
//   mean(first five epochs) - mean(last five) > 3 * deviation(last five),   the two fives apart, so e >= 10.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/base/fn.h"
#include "kernels/state/control.h"

namespace equipoise {

/// What is watched on the validation rows. Larger is better: of losses and errors the monitor is the negative.
enum class Watched : int32_t {
  nothing,
  losses,       ///< what the tasks' mean losses exceed their `least` by, times `weight`, but of those that no row feeds
  auc,          ///< of an output, by the label (kernels/run/ranked_auc.h)
  target_aucs,  ///< mean of the AUCs of the watched tasks, by their targets in a source, that have one
  squared_error,  ///< mean over the entries of an output that reconstructs a source
};

/// A task as it is watched.
struct WatchedTask {
  bool watched = false;
  double weight = 0;
  double least = 0;        ///< loss of the best answers there are
  int32_t first_col = 0;   ///< of its answers in the output: a logit, or those of its classes
  int32_t cols = 0;        ///< of them
  int32_t target_col = 0;  ///< of its classes in the source; NaN where a row has none
};
struct Watch {
  Watched watched = Watched::nothing;
  int32_t output = 0;  ///< of the evaluation, [rows, cols]
  int32_t cols = 0;
  int32_t source = 0;       ///< that the output reconstructs, or that holds the targets, [.., source_cols]
  int32_t source_cols = 0;  ///< of targets
  bool logits = false;      ///< an AUC ranks the softmax of the output; else the output as it is
  bool averages = false;    ///< losses are averaged over the watched tasks that rows feed; else summed
  WatchedTask tasks[kMaxTasks];
};

/// Settings of a replica's epochs, constant over a run.
struct EpochRules {
  Watch watch;
  bool sums_losses;  ///< the training loss is the weighted sum of the losses; else it is not known (NaN)
  int32_t epochs;    ///< after so many the replica is finished
  int32_t patience;  ///< epochs without a better one before it is finished; 0: never
  int32_t warmup;    ///< epochs before patience counts; 0: until the training loss has fallen
};

inline constexpr int kSquares = 2048;  ///< doubles of scratch that an error is summed in

inline constexpr int kLearningWindow = 5;  ///< epochs that are averaged

/// The training losses of the first and the last epochs, and when the loss had first fallen.
struct LossFall {
  double first[kLearningWindow];
  double last[kLearningWindow];  // the newest comes last
  int32_t epochs;                // noted so far
  int32_t fell;                  // epoch, from 1; 0: not yet
};

/// Whether the loss of the last epochs has fallen below that of the first by more than noise. Of a history that begins
/// with NaN, and so can tell nothing, it is always true.
EQ_FN bool is_fallen(const LossFall& losses) {
  if (losses.epochs == 0) return false;
  if (losses.first[0] != losses.first[0]) return true;
  if (losses.epochs < 2 * kLearningWindow) return false;
  double before = 0, now = 0, squares = 0;
  for (int i = 0; i < kLearningWindow; ++i) {
    before += losses.first[i];
    now += losses.last[i];
  }
  const double mean = now / kLearningWindow;
  for (int i = 0; i < kLearningWindow; ++i) squares += (losses.last[i] - mean) * (losses.last[i] - mean);
  return before / kLearningWindow - mean > 3.0 * sqrt(squares / (kLearningWindow - 1));
}

EQ_FN void note(LossFall& losses, double loss) {
  if (losses.epochs < kLearningWindow) losses.first[losses.epochs] = loss;
  for (int i = 1; i < kLearningWindow; ++i) losses.last[i - 1] = losses.last[i];
  losses.last[kLearningWindow - 1] = loss;
  ++losses.epochs;
  if (losses.fell == 0 && is_fallen(losses)) losses.fell = losses.epochs;
}

/// Where a replica's epochs stand.
struct EpochStanding {
  LossFall losses;
  double best_value;   // monitor of the best epoch
  int32_t best_epoch;  // 0 before the first
  int32_t records;     // written in this run
};

/// True if every step of the epoch that has just ended was left out.
EQ_FN bool left_out(const Control& c) { return c.position == 0 && c.epoch > 0 && c.sum_steps == 0 && c.skipped > 0; }

EQ_FN bool out_of_patience(const EpochRules& rules, const EpochStanding& standing, const Control& c) {
  const int32_t from = rules.warmup > 0 ? rules.warmup : standing.losses.fell;
  const int32_t since = standing.best_epoch > from ? standing.best_epoch : from;
  return c.position == 0 && rules.patience > 0 && standing.best_epoch > 0 && from > 0 &&
         c.epoch - since >= rules.patience;
}

/// True if there is no further epoch to begin, or step to do, by these rules. Status is another matter.
EQ_FN bool epochs_are_over(const EpochRules& rules, const EpochStanding& standing, const Control& c) {
  return c.epoch >= rules.epochs || left_out(c) || out_of_patience(rules, standing, c);
}

/// Sizes of a record: tasks, terms and balancers (at least one, of plain weights) of the training, and of the
/// evaluation.
struct RecordShape {
  int32_t tasks, terms, balancers;
  int32_t evaluated_tasks, evaluated_terms;
};

/// A record is doubles: these first, then the values of each_trained and of each_evaluated.
enum RecordField : int32_t {
  kRecordEpoch,      ///< epochs done
  kRecordStep,       ///< steps done
  kRecordSkipped,    ///< steps so far that were left out
  kRecordLoss,       ///< training loss; NaN where there is none
  kRecordEvaluated,  ///< 1 if there were rows to evaluate
  kRecordMonitor,    ///< NaN where nothing is watched
  kRecordBest,       ///< 1 if it is the best epoch so far
  kRecordFields
};

/// f(values, count) for everything that a record has of a training's control.
template <class F>
EQ_FN void each_trained(const RecordShape& s, Control& c, F&& f) {
  const int32_t coefficients = s.balancers * s.tasks;
  f(&c.sum_steps, 1);
  f(&c.sum_gradient_norm, 1);
  f(c.sum_terms, s.terms);
  f(c.sum_term_rows, s.terms);
  f(c.sum_losses, s.tasks);
  f(c.sum_task_rows, s.tasks);
  f(c.shared_weights, coefficients);
  f(c.weights, coefficients);
  f(c.sum_norms, coefficients);
  f(c.sum_gram, coefficients * s.tasks);
  f(c.sum_step_norm, s.balancers);
  f(c.worst_certificate, s.balancers);
}
/// The same of an evaluation's.
template <class F>
EQ_FN void each_evaluated(const RecordShape& s, Control& c, F&& f) {
  f(c.sum_terms, s.evaluated_terms);
  f(c.sum_term_rows, s.evaluated_terms);
  f(c.sum_losses, s.evaluated_tasks);
  f(c.sum_task_rows, s.evaluated_tasks);
}

EQ_FN int32_t record_doubles(const RecordShape& s) {
  return kRecordFields + 2 + 2 * s.terms + (2 + 3 * s.balancers + s.balancers * s.tasks) * s.tasks + 2 * s.balancers +
         2 * (s.evaluated_terms + s.evaluated_tasks);
}

}  // namespace equipoise
