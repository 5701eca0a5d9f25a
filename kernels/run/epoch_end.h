// kernels/run/epoch_end.h - what a launch does where an epoch of a replica ends: the monitor, the best parameters, a
// record; and which program comes next.
//
// Each function is called by the whole team. A barrier lies behind whatever is read on before the next step's own.
#pragma once

#include "kernels/program/launch.h"
#include "kernels/run/ranked_auc.h"
#include "kernels/state/epochs.h"
#include "kernels/state/fresh_control.h"
#include "kernels/state/memory.h"

namespace equipoise {

template <class Team>
EQ_FN void copy_resident(const Team& team, const Context& c, const Launch& launch, bool to_fast) {
  for (int i = 0; i < launch.resident_count; ++i) {
    const Resident& r = launch.residents[i];
    float* to = c.floats(to_fast ? r.fast : r.state);
    const float* from = c.floats(to_fast ? r.state : r.fast);
    for (int e = team.thread_rank(); e < r.count; e += team.size()) to[e] = from[e];
  }
}

/// f(k, mean loss) for each task whose losses a control has summed and that a row feeds.
template <class F>
EQ_FN void each_mean_loss(const Control& c, int tasks, F&& f) {
  EQ_ROLLED
  for (int k = 0; k < tasks; ++k)
    if (c.sum_task_rows[k] > 0) f(k, c.sum_losses[k] / c.sum_task_rows[k]);
}

/// What is said of a training: the sum of its mean losses by their initial weights.
EQ_FN double training_loss(const Control& c, const Settings& s, int tasks) {
  double sum = 0;
  each_mean_loss(c, tasks, [&](int k, double loss) { sum += s.initial_weights[k] * loss; });
  return sum;
}

/// Of an evaluation, as Watched::losses says.
EQ_FN double watched_losses(const Control& c, const Watch& watch, int tasks) {
  double sum = 0;
  int fed = 0;
  each_mean_loss(c, tasks, [&](int k, double loss) {
    const WatchedTask& task = watch.tasks[k];
    if (!task.watched) return;
    sum += task.weight * (loss - task.least);
    ++fed;
  });
  return watch.averages ? sum / fed : sum;
}

/// Mean of the squared differences between an output and the rows of a source that it reconstructs. The team takes the
/// squares and its first thread, which alone knows the mean, adds them up in the order of the entries.
template <class Team>
EQ_FN double reconstruction_error(const Team& team, const Context& c, const Watch& watch, const float* output,
                                  double* squares) {
  constexpr int kAhead = 8;  // loads on their way while one addition waits for the other
  const float* const source = c.source_set().sources[watch.source].values;
  const int32_t* const rows = c.data->row_list + c.settings->first_row;
  const int64_t entries = static_cast<int64_t>(c.settings->rows) * watch.cols;
  double sum = 0;
  int row = 0, col = 0;  // of the first entry of those at hand
  for (int64_t first = 0; first < entries; first += kSquares) {
    const int count = entries - first < kSquares ? static_cast<int>(entries - first) : kSquares;
    share(team, count, [&](int i) {
      const int r = row + (col + i) / watch.cols, j = (col + i) % watch.cols;
      const double d = static_cast<double>(output[first + i]) -
                       static_cast<double>(source[static_cast<int64_t>(rows[r]) * watch.cols + j]);
      squares[i] = d * d;
    });
    row += (col + count) / watch.cols;
    col = (col + count) % watch.cols;
    team.sync();
    if (team.thread_rank() == 0) {
      int i = 0;
      EQ_ROLLED
      for (; i + kAhead <= count; i += kAhead) {
        double next[kAhead];
        EQ_UNROLL
        for (int k = 0; k < kAhead; ++k) next[k] = squares[i + k];
        EQ_UNROLL
        for (int k = 0; k < kAhead; ++k) sum += next[k];
      }
      EQ_ROLLED
      for (; i < count; ++i) sum += squares[i];
    }
    team.sync();  // read before the next ones overwrite them
  }
  return sum / static_cast<double>(entries);
}

/// The output that is watched, [rows, cols], of this replica.
EQ_FN const float* emitted(const Context& c, const Watch& watch) {
  return c.data->outputs[watch.output] + static_cast<int64_t>(c.output_slot) * c.data->output_rows * watch.cols;
}

/// Rows of an output that is watched, and their classes by the label.
EQ_FN RankedRows ranked_rows(const Context& c, const Watch& watch) {
  return {.values = emitted(c, watch),
          .stride = watch.cols,
          .cols = watch.cols,
          .labels = c.source_set().labels,
          .row_list = c.data->row_list + c.settings->first_row,
          .rows = c.settings->rows,
          .logits = watch.logits};
}

/// The mean of the AUCs of the watched tasks that have one; NaN if none has. Known to the team's first thread alone.
template <class Team>
EQ_FN double mean_target_auc(const Team& team, const Context& c, const Watch& watch, int tasks, uint64_t* keys) {
  double sum = 0;
  int present = 0;
  EQ_ROLLED
  for (int k = 0; k < tasks; ++k) {
    const WatchedTask& task = watch.tasks[k];
    if (!task.watched) continue;
    RankedRows of = ranked_rows(c, watch);
    of.values += task.first_col;
    of.cols = task.cols;
    of.targets = c.source_set().sources[watch.source].values + task.target_col;
    of.target_stride = watch.source_cols;
    if (const double area = ranked_auc(team, of, keys); area == area) {
      sum += area;
      ++present;
    }
  }
  return present == 0 ? strict_detail::nan_d() : sum / present;
}

/// The monitor of an evaluation, whose context it is; known to the team's first thread alone.
template <class Team>
EQ_FN double monitored(const Team& team, const LaunchEpochs& e, const Context& c) {
  const Watch& watch = e.rules[c.slot].watch;
  uint64_t* const scratch = e.keys + static_cast<int64_t>(c.slot) * e.key_count;
  if (watch.watched == Watched::auc) return ranked_auc(team, ranked_rows(c, watch), scratch);
  if (watch.watched == Watched::target_aucs) return mean_target_auc(team, c, watch, e.shape.evaluated_tasks, scratch);
  if (watch.watched == Watched::squared_error)
    return -reconstruction_error(team, c, watch, emitted(c, watch), reinterpret_cast<double*>(scratch));
  if (watch.watched == Watched::losses) return -watched_losses(*c.control, watch, e.shape.evaluated_tasks);
  return strict_detail::nan_d();
}

/// Judges the epoch that has ended and writes its record; true if it is the best so far. `c` is the context of its
/// evaluation or, without one, of the training.
template <class Team>
EQ_FN bool judge_epoch(const Team& team, const LaunchEpochs& e, const Context& c, Control* trained) {
  const bool evaluated = c.control != trained;
  const EpochRules& rules = e.rules[c.slot];
  EpochStanding& standing = e.standings[c.slot];
  double* record = e.records + (static_cast<int64_t>(c.slot) * e.slots + standing.records) * record_doubles(e.shape);
  const double monitor = evaluated ? monitored(team, e, c) : strict_detail::nan_d();
  if (team.thread_rank() == 0) {
    // Both controls have the same settings but for rows.
    const double loss =
        rules.sums_losses ? training_loss(*trained, *c.settings, e.shape.tasks) : strict_detail::nan_d();
    note(standing.losses, loss);
    // A monitor that is no number is never the best: nothing would compare as better than it afterwards.
    const bool best = monitor == monitor && (standing.best_epoch == 0 || monitor > standing.best_value);
    if (best) {
      standing.best_epoch = trained->epoch;
      standing.best_value = monitor;
    }
    record[kRecordEpoch] = trained->epoch;
    record[kRecordStep] = static_cast<double>(trained->step);
    record[kRecordSkipped] = trained->skipped;
    record[kRecordLoss] = loss;
    record[kRecordEvaluated] = evaluated;
    record[kRecordMonitor] = monitor;
    record[kRecordBest] = best;
  }
  double* to = record + kRecordFields;
  const auto keep = [&](const double* values, int count) {
    share(team, count, [&](int i) { to[i] = values[i]; });
    to += count;
  };
  each_trained(e.shape, *trained, keep);
  if (evaluated) each_evaluated(e.shape, *c.control, keep);
  team.sync();
  const bool best = record[kRecordBest] != 0;
  if (team.thread_rank() == 0) ++standing.records;
  team.sync();
  return best;
}

/// Copies the parameters, which come first in the state, as the context has them to the replica's best ones.
template <class Team>
EQ_FN void keep_best(const Team& team, const Launch& launch, const Context& c) {
  const int count = static_cast<int>(launch.epochs.best_floats);
  float* const best = launch.epochs.best + c.slot * launch.epochs.best_floats;
  const float* const state = c.base_of(Space::state);
  share(team, count, [&](int i) { best[i] = state[i]; });
  team.sync();
  for (int i = 0; i < launch.resident_count; ++i) {  // of which the state holds old values
    const Resident& r = launch.residents[i];
    const int here = count - r.state.offset < r.count ? count - r.state.offset : r.count;
    const float* const from = c.floats(r.fast);
    share(team, here, [&](int e) { best[r.state.offset + e] = from[e]; });
  }
}

/// True if a replica does no further step of a run by epochs.
EQ_FN bool epochs_rest(const LaunchEpochs& e, const Control& trained, int slot) {
  return trained.status != Status::running || e.standings[slot].records == e.slots ||
         epochs_are_over(e.rules[slot], e.standings[slot], trained);
}

/// A body of its own, as an epoch begins at several places.
template <class Team>
EQ_COLD void begin_epoch(Team team, Control* trained) {
  team.sync();  // all have seen how the last one ended
  clear_sums(team, *trained);
}
template <class Team>
EQ_FN void begin_evaluation(const Team& team, Control* control, const Settings* settings, int tasks) {
  make_fresh(team, *control, *settings, tasks, 1);
}

/// The slot of a replica's rows in outputs while program p runs: that of the epoch's record where those are kept.
EQ_FN int output_slot(const LaunchEpochs& e, int slot) {
  return e.keeps_outputs ? slot * e.slots + e.standings[slot].records : slot;
}

/// The program that trains, if `left` steps and the rules allow another, whose epoch begins if it has not; else the
/// end.
template <class Team>
EQ_FN int next_epoch(const Team& team, const Launch& launch, int slot, int left) {
  Control* const trained = launch.programs[0].controls + slot;
  const bool rest = epochs_rest(launch.epochs, *trained, slot);
  if (ReplicaStatus* const statuses = launch.programs[0].statuses; statuses && team.thread_rank() == 0)
    statuses[slot] = {trained->step, rest};
  if (rest || left <= 0) return launch.program_count;
  if (trained->position == 0) begin_epoch(team, trained);
  return 0;
}

/// Which program comes after program p, whose context c is, in a launch of epochs with `left` steps to do. A body of
/// its own, as it is seldom and the interpreter's registers are few.
template <class Team>
EQ_COLD int program_after(Team team, const Launch& launch, Context c, int p, int left) {
  const LaunchEpochs& e = launch.epochs;
  Control* const trained = launch.programs[0].controls + c.slot;
  if (p == 0 && trained->position != 0)
    return next_epoch(team, launch, c.slot, 0);  // the steps are done, or it stopped
  const LaunchProgram& evaluation = launch.programs[1];
  if (p == 0 && evaluation.settings[c.slot].rows > 0) {
    begin_evaluation(team, evaluation.controls + c.slot, evaluation.settings + c.slot, e.shape.evaluated_tasks);
    return 1;
  }
  if (judge_epoch(team, e, c, trained)) keep_best(team, launch, c);
  return next_epoch(team, launch, c.slot, left);
}

}  // namespace equipoise
