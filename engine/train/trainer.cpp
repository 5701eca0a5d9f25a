// engine/train/trainer.cpp - steps, epochs and validation; what is kept of a training is in trainer_files.cpp.
#include "engine/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
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
#include "engine/train/epoch_record.h"
#include "engine/train/memory_needed.h"

namespace equipoise {

namespace {

Program training_program(const TrainingPlan& plan, std::size_t replicas, const PlanLimits& limits) {
  Program program = lower(plan.setup.system->graph(Pass::train), training_options(plan.setup, plan.batch, limits));
  expect_memory(training_bytes(program, replicas), "this training");
  return program;
}

constexpr int kMostRecords = 64;                         // of a replica in one run
constexpr int64_t kRecordBytes = int64_t{64} * 1048576;  // of all records of a run, and of what they are judged by

constexpr std::size_t kRowsOfAStep = 16;

/// Made for the rows of the member with most, where those are fewer than a batch: for some more, so that studies and
/// splits of about as many rows have one program, and one kernel that is made for it.
Program validation_program(std::span<const Member> members, const Program& training, PlanLimits limits) {
  const Setup& setup = members.front().plan.setup;
  std::size_t most = 1;
  for (const Member& m : members) most = std::max(most, m.split->validation.size());
  // A batch that is not full is summed as one made for its rows alone.
  const std::size_t rounded = (most + kRowsOfAStep - 1) / kRowsOfAStep * kRowsOfAStep;
  const std::size_t batch = setup.system->rows_at_once() ? rounded : std::min<std::size_t>(rounded, kEvaluationBatch);
  limits.beside = training.code.get();
  return evaluation_program(setup, static_cast<int>(batch), limits);
}

EpochRules rules_of(const Member& member) {
  const TrainingPlan& plan = member.plan;
  const System& system = *plan.setup.system;
  Monitored loss = monitored_of(member);
  loss.monitor = Monitor::loss;
  return {system.watch(monitored_of(member)), system.watch(loss).watched == Watched::losses, plan.epochs, plan.patience,
          plan.warmup};
}

/// True if an AUC of the validation rows can choose among a member's epochs.
bool has_auc(const Dataset& data, const Split& split, const TrainingPlan& plan) {
  const auto tells_apart = [&](const auto& class_of) {
    std::set<int> seen;
    for (const int row : split.validation)
      if (const int c = class_of[static_cast<std::size_t>(row)]; c >= 0) seen.insert(c);
    return seen.size() >= 2;
  };
  const System& system = *plan.setup.system;
  if (system.traits().labels) return tells_apart(data.label);
  const std::vector<TaskInfo> tasks = system.tasks();
  const std::vector<TaskClasses> classes = system.task_classes(data);
  return std::any_of(classes.begin(), classes.end(), [&](const TaskClasses& of) {
    const bool meant = plan.monitor_task < 0 || tasks[static_cast<std::size_t>(plan.monitor_task)].name == of.task;
    return meant && tells_apart(of.of_row);
  });
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
  if (plan.monitor == Monitor::auc && !split.validation.empty() && !has_auc(data, split, plan))
    throw Error(ExitCode::data,
                "train.monitor: an AUC needs validation rows of at least two classes; raise data.validation or set "
                "monitor = \"loss\"");
}

void check(std::span<const Member> members, const Executor& executor) {
  for (const Member& m : members) check(*m.data, *m.split, m.plan);
  if (members.empty()) throw std::logic_error("a trainer has a member or more");
  if (members.size() > 1 && groups_of(members, executor.plan_limits()).size() > 1)
    throw std::logic_error("members of one trainer are of one group");
}

}  // namespace

TrainingPrograms training_programs(std::span<const Member> members, const PlanLimits& limits) {
  Program train = training_program(members.front().plan, members.size(), limits);
  Program validate = validation_program(members, train, limits);
  return {std::move(train), std::move(validate)};
}

Trainer::Trainer(std::span<const Member> members, Executor& executor) : Trainer(members, executor, OnStop::finishes) {}

Trainer::Trainer(const Dataset& data, const Split& split, const TrainingPlan& plan, Executor& executor)
    : Trainer(std::vector<Member>{{&data, &split, plan}}, executor, OnStop::throws) {}

Trainer::Trainer(std::span<const Member> members, Executor& executor, OnStop on_stop)
    : members_((check(members, executor), members.begin()), members.end()),
      executor_(executor),
      on_stop_(on_stop),
      program_(training_program(members_.front().plan, members_.size(), executor.plan_limits())),
      validation_(validation_program(members_, program_, executor.plan_limits())),
      shape_(record_shape(program_, validation_)),
      evaluator_(members_.front().plan.setup, *members_.front().data, kEvaluationBatch, executor),
      standings_(members.size()),
      replicas_(members.size()),
      validated_(members.size()) {
  for (const Member& m : members_) {
    settings_.push_back(replica_settings(m.plan.setup));
    rules_.push_back(rules_of(m));
  }
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
  executor_.load_best(std::vector<float>(replicas() * static_cast<std::size_t>(program_.moment_stride)),
                      program_.moment_stride);
}

int Trainer::steps_per_epoch(std::size_t replica) const {
  const int batch = members_[replica].plan.batch;
  return (settings_[replica].rows + batch - 1) / batch;
}

void Trainer::expect_running(std::size_t replica) const {
  const Control& c = controls_[replica];
  if (c.status != Status::stopped) return;
  throw Error(ExitCode::numerics,
              fmt::format("step {} of replica {} met a non-finite value in {}; parameters are those before that step - "
                          "lower optimizer.lr, set optimizer.clip_norm, or choose train.on_nonfinite = \"skip\"",
                          c.bad_step, settings_[replica].replica, describe_bad(program_, c)));
}

std::vector<std::vector<EpochMetrics>> Trainer::advance_epochs(int steps) { return run(steps, kMostRecords, true); }

void Trainer::advance_without_metrics(int steps) { run(steps, kMostRecords, false); }

std::vector<std::optional<EpochMetrics>> Trainer::advance_all(int steps) {
  std::vector<std::optional<EpochMetrics>> metrics(replicas());
  std::vector<std::vector<EpochMetrics>> all = run(steps, 1, true);
  for (std::size_t r = 0; r < replicas(); ++r)
    if (!all[r].empty()) metrics[r] = std::move(all[r].front());
  return metrics;
}

std::vector<std::vector<EpochMetrics>> Trainer::run(int steps, int most_epochs, bool with_metrics) {
  if (on_stop_ == OnStop::throws) expect_running(0);
  std::vector<std::vector<EpochMetrics>> metrics(replicas());
  std::future<std::vector<std::vector<EpochMetrics>>> judged;
  const auto take = [&] {
    if (!judged.valid()) return;
    std::vector<std::vector<EpochMetrics>> some = judged.get();
    for (std::size_t r = 0; r < replicas(); ++r)
      for (EpochMetrics& m : some[r]) {
        if (m.best) replicas_[r].best = m.validation;
        metrics[r].push_back(std::move(m));
      }
  };
  for (int turn = 0; steps > 0 && !finished(); turn = 1 - turn) {
    std::vector<int64_t> before;
    for (const Control& c : controls_) before.push_back(c.step);
    std::vector<Ended> ended = run_epochs(steps, most_epochs, with_metrics, rings_[turn]);
    int64_t most = 0;
    for (std::size_t r = 0; r < replicas(); ++r) most = std::max(most, controls_[r].step - before[r]);
    take();
    if (with_metrics)
      judged =
          std::async(std::launch::async, [this, turn, ended = std::move(ended)] { return judge(rings_[turn], ended); });
    steps -= static_cast<int>(most);
    if (most == 0 || !with_metrics || most_epochs == 1) break;
  }
  take();
  if (on_stop_ == OnStop::throws && metrics[0].empty()) expect_running(0);
  return metrics;
}

/// One run of epochs, whose records and outputs `ring` receives; which epochs ended.
std::vector<Trainer::Ended> Trainer::run_epochs(int steps, int most_epochs, bool with_metrics, Ring& ring) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<Settings> validating = settings_;
  std::vector<int64_t> before;
  ring.emitted.rows = 0;
  ring.emitted.outputs = with_metrics ? ~uint32_t{0} : 0;
  for (std::size_t r = 0; r < replicas(); ++r) {
    const EvaluatedRows validation = rows_at(r, Part::validation);
    // Those that nobody watches are validated for their metrics alone.
    const bool validates = with_metrics || rules_[r].watch.watched != Watched::nothing;
    validating[r].first_row = validation.first;
    validating[r].rows = validates ? static_cast<int32_t>(validation.rows.size()) : 0;
    ring.emitted.rows = std::max(ring.emitted.rows, static_cast<int>(validating[r].rows));
    ring.emitted.outputs |= uint32_t{1} << rules_[r].watch.output;
    before.push_back(controls_[r].step);
  }
  EpochsRun run{{program_, settings_, controls_, {steps, false}},
                {validation_, validating, validated_, {}, &ring.emitted},
                rules_,
                standings_,
                record_slots(steps, most_epochs, with_metrics, ring.emitted.rows),
                with_metrics,
                &ring.records};
  run.evaluate.limits = {(ring.emitted.rows + validation_.batch - 1) / validation_.batch, true};
  executor_.run_epochs(run);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ring.slots = static_cast<std::size_t>(run.slots);
  std::vector<Ended> ended;
  for (std::size_t r = 0; r < replicas(); ++r) {
    Replica& replica = replicas_[r];
    // An epoch's share of the time is that of its steps.
    const double a_step = took / static_cast<double>(std::max<int64_t>(controls_[r].step - before[r], 1));
    for (std::size_t slot = 0; slot < static_cast<std::size_t>(standings_[r].records); ++slot) {
      const std::span<const double> record = record_at(ring, r, slot);
      if (replica.losses.total.empty())
        replica.losses.first = epoch_losses(program_, record_of(shape_, record).trained);
      replica.losses.total.push_back(record[kRecordLoss]);
      if (!with_metrics && record[kRecordBest] != 0) replica.best.reset();
      const auto step = static_cast<int64_t>(record[kRecordStep]);
      ended.push_back({r, slot, replica.epoch_seconds + a_step * static_cast<double>(step - before[r])});
      before[r] = step;
      replica.epoch_seconds = 0;
    }
    replica.epoch_seconds += a_step * static_cast<double>(controls_[r].step - before[r]);
  }
  return ended;
}

/// Records of each replica that a run of so many steps may need, as far as there is room for them.
int Trainer::record_slots(int steps, int most_epochs, bool with_metrics, int rows) const {
  int64_t epochs = 1, bytes = record_doubles(shape_) * int64_t{sizeof(double)};
  for (std::size_t r = 0; r < replicas(); ++r) epochs = std::max<int64_t>(epochs, steps / steps_per_epoch(r) + 1);
  if (with_metrics)
    for (const int cols : validation_.output_cols) bytes += int64_t{rows} * cols * int64_t{sizeof(float)};
  const int64_t room = std::max<int64_t>(kRecordBytes / (bytes * static_cast<int64_t>(replicas())), 1);
  return static_cast<int>(std::min({epochs, room, int64_t{most_epochs}}));
}

std::span<const double> Trainer::record_at(const Ring& ring, std::size_t replica, std::size_t slot) const {
  const auto doubles = static_cast<std::size_t>(record_doubles(shape_));
  return std::span(ring.records).subspan((replica * ring.slots + slot) * doubles, doubles);
}

/// Metrics of what a ring holds. Reads nothing that a run of the other ring changes.
std::vector<std::vector<EpochMetrics>> Trainer::judge(const Ring& ring, const std::vector<Ended>& ended) const {
  std::vector<std::vector<EpochMetrics>> metrics(replicas());
  for (const Ended& e : ended) metrics[e.replica].emplace_back();
  each_of(ended.size(), executor_.host_threads(), [&](std::size_t i) {
    const Ended& e = ended[i];
    const EpochRecord record = record_of(shape_, record_at(ring, e.replica, e.slot));
    EpochMetrics& m = metrics[e.replica][e.slot];
    m = epoch_metrics(program_, record.trained);
    m.best = record.best;
    m.monitor = record.monitor;
    m.validated = record.evaluated;
    m.seconds = e.seconds;
    if (!record.evaluated) return;
    const Member& member = members_[e.replica];
    const std::span<const int> rows = rows_at(e.replica, Part::validation).rows;
    m.validation =
        judged_evaluation(validation_, record.evaluation, rows,
                          emitted_rows(validation_, ring.emitted, e.replica * ring.slots + e.slot, rows.size()),
                          {*member.plan.setup.system, *member.data});
  });
  return metrics;
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

bool Trainer::finished(std::size_t replica) const {
  return ended_by_values(replica) || epochs_are_over(rules_[replica], standings_[replica], controls_[replica]);
}

bool Trainer::ended_by_values(std::size_t replica) const {
  const Status status = controls_[replica].status;
  return status == Status::frozen || (status == Status::stopped && on_stop_ == OnStop::finishes);
}

bool Trainer::out_of_patience(std::size_t replica) const {
  const Control& c = controls_[replica];
  return equipoise::out_of_patience(rules_[replica], standings_[replica], c) && !ended_by_values(replica) &&
         c.epoch < members_[replica].plan.epochs && !left_out(c);
}

std::string Trainer::failure(std::size_t replica) const {
  const Control& c = controls_[replica];
  if (ended_by_values(replica))
    return fmt::format("{} at step {}: {} was not finite", c.status == Status::frozen ? "frozen" : "stopped",
                       c.bad_step, describe_bad(program_, c));
  if (left_out(c))
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
