// engine/train/trainer.cpp - training one model.
#include "engine/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <span>

#include "engine/base/error.h"
#include "engine/base/machine_memory.h"
#include "engine/files/sha256.h"
#include "engine/run/parameters.h"
#include "engine/run/stepper.h"
#include "engine/train/checkpoint.h"
#include "engine/train/dead_layers.h"
#include "engine/train/fitted.h"
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

}  // namespace

Trainer::Trainer(const Dataset& data, const Split& split, const TrainingPlan& plan, std::span<const Settings> replicas,
                 Executor& executor)
    : data_(data),
      split_(split),
      plan_((check(data, split, plan), plan)),
      executor_(executor),
      program_(training_program(plan, replicas.size(), executor)),
      evaluator_(plan.setup, data, kEvaluationBatch, executor),
      settings_(replicas.begin(), replicas.end()),
      replicas_(replicas.size()) {
  executor_.load_tables(tables_of(*plan_.setup.system, data, split, plan_.class_weights));
  const auto floats = static_cast<std::size_t>(program_.state_floats);
  std::vector<float> initial(replicas.size() * floats);
  for (std::size_t r = 0; r < replicas.size(); ++r) {
    Settings& s = settings_[r];
    s.first_row = 0;
    s.rows = static_cast<int32_t>(split.train.size());
    controls_.push_back(
        fresh_control(s, static_cast<int>(program_.task_names.size()), static_cast<int>(program_.chains.size())));
    initialise(program_, std::span(initial).subspan(r * floats, floats), s.seed, s.replica);
  }
  plan_.setup.settings = settings_.front();
  executor_.load_state(initial, program_.state_floats);
}

Trainer::Trainer(const Dataset& data, const Split& split, const TrainingPlan& plan, Executor& executor)
    : Trainer(data, split, plan, std::vector{replica_settings(plan.setup)}, executor) {}

int Trainer::steps_per_epoch() const {
  const int rows = static_cast<int>(split_.train.size());
  return (rows + plan_.batch - 1) / plan_.batch;
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

std::vector<std::optional<EpochMetrics>> Trainer::advance_all(int steps) {
  std::vector<std::optional<EpochMetrics>> metrics(replicas());
  if (finished()) return metrics;
  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  std::vector<int> epochs;
  std::vector<Status> statuses;
  std::vector<bool> rests;  // finished replicas, while others go on
  for (std::size_t r = 0; r < replicas(); ++r) {
    rests.push_back(finished(r));
    statuses.push_back(controls_[r].status);
    epochs.push_back(controls_[r].epoch);
    if (rests[r]) controls_[r].status = Status::frozen;
    else if (controls_[r].position == 0) start_epoch(r);
  }
  executor_.run(program_, settings_, controls_, {steps, true});
  bool epoch_ended = false;
  for (std::size_t r = 0; r < replicas(); ++r) {
    if (rests[r]) controls_[r].status = statuses[r];
    expect_running(r);
    epoch_ended = epoch_ended || controls_[r].epoch != epochs[r];
  }
  std::vector<Evaluation> evaluations;
  if (epoch_ended && !split_.validation.empty())
    evaluations = evaluator_.evaluate(settings_, static_cast<int>(split_.train.size()), split_.validation);
  for (std::size_t r = 0; r < replicas(); ++r) {
    if (controls_[r].epoch != epochs[r]) {
      metrics[r] = epoch_metrics(program_, controls_[r]);
      note_losses(r, *metrics[r]);
      if (!evaluations.empty()) {
        metrics[r]->validated = true;
        metrics[r]->validation = evaluations[r];
        metrics[r]->best = validate(r, evaluations[r]);
      }
      metrics[r]->seconds = replicas_[r].epoch_seconds + elapsed();
    } else if (!rests[r]) {
      replicas_[r].epoch_seconds += elapsed();
    }
  }
  return metrics;
}

std::vector<std::string> Trainer::dead_layers(std::size_t replica) const {
  return equipoise::dead_layers(plan_.setup, settings_, 0, static_cast<int>(split_.train.size()), executor_)[replica];
}

void Trainer::note_losses(std::size_t replica, const EpochMetrics& metrics) {
  Replica& r = replicas_[replica];
  Evaluation training;
  training.losses = metrics.losses;
  training.counts.assign(controls_[replica].sum_task_rows, controls_[replica].sum_task_rows + metrics.losses.size());
  if (r.losses.total.empty()) r.losses.first = metrics.losses;
  r.losses.total.push_back(plan_.setup.system->selected(training, settings_[replica].initial_weights));
  if (r.fell == 0 && has_fallen(r.losses.total)) r.fell = metrics.epoch;
}

bool Trainer::validate(std::size_t replica, const Evaluation& evaluation) {
  Replica& r = replicas_[replica];
  const double value = monitored(replica, evaluation);
  // A loss that is no number is never the best: nothing would compare as better than it afterwards.
  if (plan_.monitor == Monitor::none || std::isnan(value) || (r.best_epoch > 0 && !(value > r.best_value)))
    return false;
  r.best_epoch = controls_[replica].epoch;
  r.best_value = value;
  r.best = evaluation;
  r.best_state = parameters_of(program_, state(replica));
  return true;
}

double Trainer::monitored(std::size_t replica, const Evaluation& evaluation) const {
  if (plan_.monitor == Monitor::auc) return evaluation.figure("auc");
  return -plan_.setup.system->selected(evaluation, settings_[replica].initial_weights);
}

bool Trainer::finished(std::size_t replica) const {
  const Control& c = controls_[replica];
  return c.status == Status::frozen || c.epoch >= plan_.epochs || left_out(replica) || out_of_patience(replica);
}

bool Trainer::left_out(std::size_t replica) const {
  const Control& c = controls_[replica];
  return c.position == 0 && c.epoch > 0 && c.sum_steps == 0 && c.skipped > 0;
}

bool Trainer::out_of_patience(std::size_t replica) const {
  const Control& c = controls_[replica];
  const Replica& r = replicas_[replica];
  const int from = plan_.warmup > 0 ? plan_.warmup : r.fell;
  return c.position == 0 && plan_.patience > 0 && r.best_epoch > 0 && from > 0 &&
         c.epoch - std::max(r.best_epoch, from) >= plan_.patience && c.status != Status::frozen &&
         c.epoch < plan_.epochs && !left_out(replica);
}

std::string Trainer::failure(std::size_t replica) const {
  const Control& c = controls_[replica];
  if (c.status == Status::frozen)
    return fmt::format("frozen at step {}: {} was not finite", c.bad_step, describe_bad(program_, c));
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
  const Control& c = controls_[replica];
  if (const std::string why = failure(replica); !why.empty()) return why;
  if (c.epoch >= plan_.epochs) return fmt::format("all {} epochs done", plan_.epochs);
  return fmt::format("no improvement for {} epochs", plan_.patience);
}

std::vector<float> Trainer::all_states() const {
  std::vector<float> values(replicas() * static_cast<std::size_t>(program_.state_floats));
  executor_.store_state(values);
  return values;
}

std::vector<float> Trainer::state(std::size_t replica) const {
  const std::vector<float> all = all_states();
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(replica) * program_.state_floats;
  return {first, first + program_.state_floats};
}

void Trainer::load_state(std::size_t replica, const std::vector<float>& state) {
  std::vector<float> all = all_states();
  std::copy(state.begin(), state.end(), all.begin() + static_cast<std::ptrdiff_t>(replica) * program_.state_floats);
  executor_.load_state(all, program_.state_floats);
}

/// The plan as if the replica were trained alone.
TrainingPlan Trainer::plan_of(std::size_t replica) const {
  TrainingPlan plan = plan_;
  plan.setup.settings = settings_[replica];
  return plan;
}

TensorFile Trainer::model(std::size_t replica) {
  const Replica& r = replicas_[replica];
  const std::vector<float> chosen = r.best_epoch > 0 ? r.best_state : state(replica);
  TensorFile file =
      model_file(program_, plan_of(replica), chosen, r.best_epoch > 0 ? r.best_epoch : controls_[replica].epoch);
  add_fitted(file, replica, chosen);
  return file;
}

TensorFile Trainer::last_parameters(std::size_t replica) const {
  return model_file(program_, plan_of(replica), state(replica), controls_[replica].epoch);
}

void Trainer::add_fitted(TensorFile& file, std::size_t replica, const std::vector<float>& chosen) {
  const std::span<const Target> targets = plan_.setup.system->targets();
  if (std::none_of(targets.begin(), targets.end(), [](const Target& t) { return t.likelihood->fits(); })) return;
  const std::vector<float> now = all_states();
  executor_.load_state(chosen, program_.state_floats);
  const std::vector<float> answers = evaluator_.outputs({&settings_[replica], 1}, 0, split_.train)[0];
  executor_.load_state(now, program_.state_floats);
  for (const auto& [name, values] : fitted_numbers(targets, data_, split_.train, answers))
    file.tensors["fitted." + name] = StoredTensor::from_doubles({static_cast<int64_t>(values.size())}, values);
  sign(file);
}

TensorFile Trainer::checkpoint(std::size_t replica) const {
  const Replica& r = replicas_[replica];
  return checkpoint_file(program_, plan_of(replica),
                         {controls_[replica], state(replica), r.best_state, r.best_epoch, r.best_value, r.losses});
}

void Trainer::restore(const TensorFile& file, std::size_t replica) {
  const TrainingState restored = read_checkpoint(program_, plan_of(replica), file);
  Replica& r = replicas_[replica];
  controls_[replica] = restored.control;
  load_state(replica, restored.state);
  r.best_state = restored.best_state;
  r.best_epoch = restored.best_epoch;
  r.best_value = restored.best_value;
  r.losses = restored.losses;
  r.fell = epoch_of_fall(r.losses.total);
  if (r.best_epoch == 0 || split_.validation.empty()) return;
  load_state(replica, r.best_state);
  r.best = evaluator_.evaluate(settings_, static_cast<int>(split_.train.size()), split_.validation)[replica];
  load_state(replica, restored.state);
}

std::string Trainer::hash(const std::vector<std::string>& lines, std::size_t replica) const {
  return hash_over(
      [&](const LineVisitor& visit) {
        for (const std::string& line : lines) visit(line);
      },
      replica);
}

std::string Trainer::hash_over(const std::function<void(const LineVisitor&)>& each_line, std::size_t replica) const {
  Sha256 sha;
  const std::vector<float> values = state(replica);
  std::vector<const ParameterInfo*> sorted;
  for (const ParameterInfo& p : program_.parameters) sorted.push_back(&p);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  for (const ParameterInfo* p : sorted)
    for (const StatePart part : {StatePart::parameter, StatePart::moment1, StatePart::moment2}) {
      const std::vector<float> dense = read_parameter(program_, *p, part, values);
      sha.update(dense.data(), dense.size() * sizeof(float));
    }
  each_line([&](std::string_view line) {
    sha.update(line);
    sha.update("\n");
  });
  return sha.hex();
}

}  // namespace equipoise
