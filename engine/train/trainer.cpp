// engine/train/trainer.cpp - steps, epochs and validation; what is kept of a training is in trainer_files.cpp.
#include "engine/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <span>
#include <stdexcept>

#include "engine/base/each.h"
#include "engine/base/error.h"
#include "engine/base/machine_memory.h"
#include "engine/run/parameters.h"
#include "engine/run/stepper.h"
#include "engine/train/checkpoint.h"
#include "engine/train/dead_layers.h"
#include "engine/train/memory_needed.h"

namespace equipoise {

namespace {

Program training_program(const TrainingPlan& plan, std::size_t replicas, Executor& executor) {
  Program program =
      lower(plan.setup.system->graph(Pass::train), training_options(plan.setup, plan.batch, executor.plan_limits()));
  expect_memory(training_bytes(program, replicas), "this training");
  return program;
}

void check(const Dataset& data, const Split& split, const TrainingPlan& plan) {
  const System& system = *plan.setup.system;
  const SystemTraits traits = system.traits();
  const auto views = static_cast<int>(data.views.size());
  if (views < traits.least_views || views > traits.most_views)
    throw Error(ExitCode::data, fmt::format("data.views: {} takes {} to {} tables, the data have {}; name as many",
                                            system.kind(), traits.least_views, traits.most_views, views));
  if (split.train.empty()) throw Error(ExitCode::data, "no training rows are left; lower data.validation or data.test");
  const int classes = system.weighed_classes(data);
  if (traits.weighs_classes && classes > 1 && static_cast<int>(plan.class_weights.size()) != classes)
    throw Error(ExitCode::data, fmt::format("train.class_weights: {} weights for {} classes; give one per class",
                                            plan.class_weights.size(), classes));
  if (plan.monitor == Monitor::auc && !split.validation.empty()) {
    std::set<int> seen;
    for (int row : split.validation)
      if (const int label = data.label[static_cast<std::size_t>(row)]; label >= 0) seen.insert(label);
    if (seen.size() < 2)
      throw Error(ExitCode::data,
                  "train.monitor: an AUC needs validation rows of at least two classes; raise data.validation or set "
                  "monitor = \"loss\"");
  }
}

void check(std::span<const Member> members, const Executor& executor) {
  for (const Member& m : members) check(*m.data, *m.split, m.plan);
  if (members.empty()) throw std::logic_error("a trainer has a member or more");
  if (members.size() > 1 && groups_of(members, executor.plan_limits()).size() > 1)
    throw std::logic_error("members of one trainer are of one group");
}

}  // namespace

Trainer::Trainer(std::span<const Member> members, Executor& executor) : Trainer(members, executor, OnStop::finishes) {}

Trainer::Trainer(const Dataset& data, const Split& split, const TrainingPlan& plan, Executor& executor)
    : Trainer(std::vector<Member>{{&data, &split, plan}}, executor, OnStop::throws) {}

Trainer::Trainer(std::span<const Member> members, Executor& executor, OnStop on_stop)
    : members_((check(members, executor), members.begin()), members.end()),
      executor_(executor),
      on_stop_(on_stop),
      program_(training_program(members_.front().plan, members_.size(), executor)),
      evaluator_(members_.front().plan.setup, *members_.front().data, kEvaluationBatch, executor),
      replicas_(members.size()) {
  for (const Member& m : members_) settings_.push_back(replica_settings(m.plan.setup));
  executor_.load_tables(tables_of(members_, settings_));
  const auto floats = static_cast<std::size_t>(program_.state_floats);
  std::vector<float> initial(replicas() * floats);
  for (std::size_t r = 0; r < replicas(); ++r) {
    const Settings& s = members_[r].plan.setup.settings = settings_[r];
    controls_.push_back(
        fresh_control(s, static_cast<int>(program_.task_names.size()), static_cast<int>(program_.chains.size())));
    initialise(program_, std::span(initial).subspan(r * floats, floats), s.seed, s.replica);
  }
  executor_.load_state(initial, program_.state_floats);
}

int Trainer::steps_per_epoch(std::size_t replica) const {
  const int batch = members_[replica].plan.batch;
  return (settings_[replica].rows + batch - 1) / batch;
}

void Trainer::start_epoch(std::size_t replica) {
  Control& c = controls_[replica];
  const auto clear = [](auto& sums) { std::fill(std::begin(sums), std::end(sums), 0.0); };
  c.sum_steps = c.sum_gradient_norm = 0;
  clear(c.sum_terms);
  clear(c.sum_term_rows);
  clear(c.sum_losses);
  clear(c.sum_task_rows);
  clear(c.sum_norms);
  clear(c.sum_gram);
  clear(c.sum_step_norm);
  std::fill(std::begin(c.worst_certificate), std::end(c.worst_certificate), kNoCertificate);
  replicas_[replica].epoch_seconds = 0;
}

void Trainer::expect_running(std::size_t replica) const {
  const Control& c = controls_[replica];
  if (c.status != Status::stopped) return;
  throw Error(ExitCode::numerics,
              fmt::format("step {} of replica {} met a non-finite value in {}; parameters are those before that step - "
                          "lower optimizer.lr, set optimizer.clip_norm, or choose train.on_nonfinite = \"skip\"",
                          c.bad_step, settings_[replica].replica, describe_bad(program_, c)));
}

std::vector<std::optional<EpochMetrics>> Trainer::advance_all(int steps) { return step_all(steps, true); }

void Trainer::advance_without_metrics(int steps) { step_all(steps, false); }

std::vector<std::optional<EpochMetrics>> Trainer::step_all(int steps, bool with_metrics) {
  std::vector<std::optional<EpochMetrics>> metrics(replicas());
  if (finished()) return metrics;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<bool> rests, ended;
  std::vector<int> epochs;
  for (std::size_t r = 0; r < replicas(); ++r) {
    rests.push_back(finished(r));
    epochs.push_back(controls_[r].epoch);
    if (!rests[r] && controls_[r].position == 0) start_epoch(r);
  }
  run_but(rests, steps);
  for (std::size_t r = 0; r < replicas(); ++r) {
    if (on_stop_ == OnStop::throws) expect_running(r);
    ended.push_back(controls_[r].epoch != epochs[r]);
  }
  end_epochs(ended, with_metrics, metrics);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  for (std::size_t r = 0; r < replicas(); ++r) {
    if (!rests[r]) replicas_[r].epoch_seconds += took;
    if (metrics[r]) metrics[r]->seconds = replicas_[r].epoch_seconds;
  }
  return metrics;
}

/// Steps of all replicas but those that rest, which keep their controls.
void Trainer::run_but(const std::vector<bool>& rests, int steps) {
  std::vector<Status> statuses;
  for (std::size_t r = 0; r < replicas(); ++r) {
    statuses.push_back(controls_[r].status);
    if (rests[r]) controls_[r].status = Status::frozen;
  }
  executor_.run(program_, settings_, controls_, {steps, true});
  for (std::size_t r = 0; r < replicas(); ++r)
    if (rests[r]) controls_[r].status = statuses[r];
}

/// Validates the replicas whose epoch ended; those that nobody watches only for their metrics.
void Trainer::end_epochs(const std::vector<bool>& ended, bool with_metrics,
                         std::vector<std::optional<EpochMetrics>>& metrics) {
  std::vector<EvaluatedRows> of(replicas());
  for (std::size_t r = 0; r < replicas(); ++r) {
    if (!ended[r]) continue;
    note_losses(r);
    if (with_metrics || members_[r].plan.monitor != Monitor::none) of[r] = rows_at(r, Part::validation);
  }
  std::vector<std::optional<Evaluation>> validated = evaluations(std::move(of));
  std::vector<std::size_t> improved;
  for (std::size_t r = 0; r < replicas(); ++r) {
    const bool best = validated[r] && chosen(r, *validated[r]);
    if (best) improved.push_back(r);
    if (with_metrics && ended[r]) {
      metrics[r] = epoch_metrics(program_, controls_[r]);
      metrics[r]->best = best;
      metrics[r]->validated = validated[r].has_value();
      if (validated[r]) metrics[r]->validation = *validated[r];
    }
    if (best) replicas_[r].best = std::move(validated[r]);
  }
  for (const std::size_t r : improved) replicas_[r].best_state = state(r);
  each_of(improved.size(), executor_.host_threads(), [&](std::size_t i) {
    std::vector<float>& best = replicas_[improved[i]].best_state;
    best = parameters_of(program_, best);
  });
}

EvaluatedRows Trainer::rows_at(std::size_t replica, Part part) const {
  const Split& split = *members_[replica].split;
  return {settings_[replica].first_row + first_of(split, part), rows_of(split, part)};
}

/// Of the states that are loaded.
std::vector<std::optional<Evaluation>> Trainer::evaluations(std::vector<EvaluatedRows> of,
                                                            std::span<const std::vector<double>> thresholds) {
  std::vector<std::optional<Evaluation>> evaluations(replicas());
  if (std::all_of(of.begin(), of.end(), [](const EvaluatedRows& some) { return some.rows.empty(); }))
    return evaluations;
  const Evaluator::Ran& ran = evaluator_.run(settings_, std::move(of));
  each_of(replicas(), executor_.host_threads(), [&](std::size_t r) {
    if (ran.of[r].rows.empty()) return;
    const Member& m = members_[r];
    const std::span<const double> own = thresholds.empty() ? std::span<const double>{} : thresholds[r];
    evaluations[r] = evaluator_.judged(ran, r, {*m.plan.setup.system, *m.data, own});
  });
  return evaluations;
}

std::vector<std::string> Trainer::dead_layers(std::size_t replica) const {
  std::vector<Settings> one = settings_;
  for (std::size_t r = 0; r < replicas(); ++r)
    if (r != replica) one[r].rows = 0;
  return equipoise::dead_layers(members_[replica].plan.setup, one, executor_)[replica];
}

void Trainer::note_losses(std::size_t replica) {
  Replica& r = replicas_[replica];
  const Control& c = controls_[replica];
  Evaluation training;
  training.losses = epoch_losses(program_, c);
  training.counts.assign(c.sum_task_rows, c.sum_task_rows + training.losses.size());
  if (r.losses.total.empty()) r.losses.first = training.losses;
  r.losses.total.push_back(members_[replica].plan.setup.system->selected(training, settings_[replica].initial_weights));
  if (r.fell == 0 && has_fallen(r.losses.total)) r.fell = c.epoch;
}

/// Whether the epoch is the best so far, which is noted.
bool Trainer::chosen(std::size_t replica, const Evaluation& evaluation) {
  Replica& r = replicas_[replica];
  const double value = monitored(replica, evaluation);
  // A loss that is no number is never the best: nothing would compare as better than it afterwards.
  if (members_[replica].plan.monitor == Monitor::none || std::isnan(value) ||
      (r.best_epoch > 0 && !(value > r.best_value)))
    return false;
  r.best_epoch = controls_[replica].epoch;
  r.best_value = value;
  return true;
}

double Trainer::monitored(std::size_t replica, const Evaluation& evaluation) const {
  const TrainingPlan& plan = members_[replica].plan;
  if (plan.monitor == Monitor::auc) return evaluation.figure("auc");
  return -plan.setup.system->selected(evaluation, settings_[replica].initial_weights);
}

bool Trainer::finished(std::size_t replica) const {
  return ended_by_values(replica) || controls_[replica].epoch >= members_[replica].plan.epochs || left_out(replica) ||
         out_of_patience(replica);
}

bool Trainer::ended_by_values(std::size_t replica) const {
  const Status status = controls_[replica].status;
  return status == Status::frozen || (status == Status::stopped && on_stop_ == OnStop::finishes);
}

bool Trainer::left_out(std::size_t replica) const {
  const Control& c = controls_[replica];
  return c.position == 0 && c.epoch > 0 && c.sum_steps == 0 && c.skipped > 0;
}

bool Trainer::out_of_patience(std::size_t replica) const {
  const Control& c = controls_[replica];
  const Replica& r = replicas_[replica];
  const TrainingPlan& plan = members_[replica].plan;
  const int from = plan.warmup > 0 ? plan.warmup : r.fell;
  return c.position == 0 && plan.patience > 0 && r.best_epoch > 0 && from > 0 &&
         c.epoch - std::max(r.best_epoch, from) >= plan.patience && !ended_by_values(replica) &&
         c.epoch < plan.epochs && !left_out(replica);
}

std::string Trainer::failure(std::size_t replica) const {
  const Control& c = controls_[replica];
  if (ended_by_values(replica))
    return fmt::format("{} at step {}: {} was not finite", c.status == Status::frozen ? "frozen" : "stopped",
                       c.bad_step, describe_bad(program_, c));
  if (left_out(replica))
    return fmt::format("every step of epoch {} was left out: {} was not finite", c.epoch, describe_bad(program_, c));
  return "";
}

bool Trainer::finished() const {
  for (std::size_t r = 0; r < replicas(); ++r)
    if (!finished(r)) return false;
  return true;
}

std::string Trainer::finish_reason(std::size_t replica) const {
  const TrainingPlan& plan = members_[replica].plan;
  if (const std::string why = failure(replica); !why.empty()) return why;
  if (controls_[replica].epoch >= plan.epochs) return fmt::format("all {} epochs done", plan.epochs);
  return fmt::format("no improvement for {} epochs", plan.patience);
}

}  // namespace equipoise
