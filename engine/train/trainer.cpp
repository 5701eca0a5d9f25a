// engine/train/trainer.cpp - training one model.
#include "engine/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <span>

#include "engine/base/error.h"
#include "engine/files/sha256.h"
#include "engine/run/parameters.h"
#include "engine/run/stepper.h"
#include "engine/train/checkpoint.h"
#include "engine/train/fitted.h"

namespace equipoise {

namespace {

Setup with_rows(Setup setup, const Split& split) {
  setup.settings = replica_settings(setup);
  setup.settings.first_row = 0;
  setup.settings.rows = static_cast<int32_t>(split.train.size());
  return setup;
}

Program training_program(const TrainingPlan& plan, Executor& executor) {
  return lower(plan.setup.system->graph(Pass::train), training_options(plan.setup, plan.batch, executor.plan_limits()));
}

void check(const Dataset& data, const Split& split, const TrainingPlan& plan) {
  const System& system = *plan.setup.system;
  const SystemTraits traits = system.traits();
  const auto views = static_cast<int>(data.views.size());
  if (views < traits.least_views || views > traits.most_views)
    throw Error(ExitCode::data,
                fmt::format("data.views: {} needs {} table{}, the data have {}; name as many", system.kind(),
                            traits.least_views, traits.least_views > 1 ? "s" : "", views));
  if (split.train.empty()) throw Error(ExitCode::data, "no training rows are left; lower data.validation or data.test");
  const int classes = system.weighed_classes(data);
  if (traits.weighs_classes && static_cast<int>(plan.class_weights.size()) != classes)
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

Trainer::Trainer(const Dataset& data, const Split& split, const TrainingPlan& plan, Executor& executor)
    : data_(data),
      split_(split),
      plan_((check(data, split, plan), plan)),
      executor_(executor),
      program_(training_program(plan, executor)),
      evaluator_(plan.setup, data, kEvaluationBatch, executor) {
  plan_.setup = with_rows(plan.setup, split);
  control_ = fresh_control(plan_.setup.settings, static_cast<int>(program_.task_names.size()),
                           static_cast<int>(program_.chains.size()));
  executor_.load_tables(tables_of(*plan_.setup.system, data, split, plan_.class_weights));
  std::vector<float> initial(static_cast<std::size_t>(program_.state_floats));
  initialise(program_, initial, plan_.setup.settings.seed, plan_.setup.settings.replica);
  executor_.load_state(initial, program_.state_floats);
}

int Trainer::steps_per_epoch() const {
  const int rows = plan_.setup.settings.rows;
  return (rows + plan_.batch - 1) / plan_.batch;
}

void Trainer::start_epoch() {
  Control& c = control_;
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
  epoch_seconds_ = 0;
}

std::optional<EpochMetrics> Trainer::advance(int steps) {
  if (finished()) return std::nullopt;
  const auto begin = std::chrono::steady_clock::now();
  if (control_.position == 0) start_epoch();
  const int epoch = control_.epoch;
  executor_.run(program_, {&plan_.setup.settings, 1}, {&control_, 1}, {steps, true});
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  if (control_.status == Status::stopped)
    throw Error(
        ExitCode::numerics,
        fmt::format("step {} of replica {} met a non-finite value in {}; parameters are those before that step - lower "
                    "optimizer.lr, set optimizer.clip_norm, or choose train.on_nonfinite = \"skip\"",
                    control_.bad_step, plan_.setup.settings.replica, describe_bad(program_, control_)));
  if (control_.epoch == epoch) {
    epoch_seconds_ += elapsed();
    return std::nullopt;
  }
  EpochMetrics metrics = epoch_metrics(program_, control_);
  if (!split_.validation.empty()) {
    metrics.validated = true;
    metrics.validation = evaluator_.evaluate(static_cast<int>(split_.train.size()), split_.validation);
    const double value = monitored(metrics.validation);
    // A loss that is no number is never the best: nothing would compare as better than it afterwards.
    if (plan_.monitor != Monitor::none && !std::isnan(value) && (best_epoch_ == 0 || value > best_value_)) {
      metrics.best = true;
      best_epoch_ = control_.epoch;
      best_value_ = value;
      best_ = metrics.validation;
      best_state_ = parameters_of(program_, state());
    }
  }
  metrics.seconds = epoch_seconds_ + elapsed();
  return metrics;
}

double Trainer::monitored(const Evaluation& evaluation) const {
  if (plan_.monitor == Monitor::auc) return evaluation.figure("auc");
  return -plan_.setup.system->selected(evaluation, plan_.setup.settings.initial_weights);
}

bool Trainer::finished() const {
  if (control_.status == Status::frozen || control_.epoch >= plan_.epochs) return true;
  return control_.position == 0 && plan_.patience > 0 && best_epoch_ > 0 &&
         control_.epoch - best_epoch_ >= plan_.patience;
}

std::string Trainer::finish_reason() const {
  if (control_.status == Status::frozen)
    return fmt::format("frozen at step {}: {} was not finite", control_.bad_step, describe_bad(program_, control_));
  if (control_.epoch >= plan_.epochs) return fmt::format("all {} epochs done", plan_.epochs);
  return fmt::format("no improvement for {} epochs", plan_.patience);
}

std::vector<float> Trainer::state() const {
  std::vector<float> values(static_cast<std::size_t>(program_.state_floats));
  executor_.store_state(values);
  return values;
}

TensorFile Trainer::model() {
  const std::vector<float> now = state(), &chosen = best_epoch_ > 0 ? best_state_ : now;
  TensorFile file = model_file(program_, plan_, chosen, best_epoch_ > 0 ? best_epoch_ : control_.epoch);
  add_fitted(file, chosen, now);
  return file;
}

void Trainer::add_fitted(TensorFile& file, const std::vector<float>& chosen, const std::vector<float>& now) {
  const std::span<const Target> targets = plan_.setup.system->targets();
  if (std::none_of(targets.begin(), targets.end(), [](const Target& t) { return t.likelihood->fits(); })) return;
  executor_.load_state(chosen, program_.state_floats);
  const std::vector<float> answers = evaluator_.outputs(0, split_.train)[0];
  executor_.load_state(now, program_.state_floats);
  for (const auto& [name, values] : fitted_numbers(targets, data_, split_.train, answers))
    file.tensors["fitted." + name] = StoredTensor::from_doubles({static_cast<int64_t>(values.size())}, values);
  sign(file);
}

TensorFile Trainer::checkpoint() const {
  return checkpoint_file(program_, plan_, {control_, state(), best_state_, best_epoch_, best_value_});
}

void Trainer::restore(const TensorFile& file) {
  const TrainingState restored = read_checkpoint(program_, plan_, file);
  control_ = restored.control;
  executor_.load_state(restored.state, program_.state_floats);
  best_state_ = restored.best_state;
  best_epoch_ = restored.best_epoch;
  best_value_ = restored.best_value;
  if (best_epoch_ > 0 && !split_.validation.empty()) {
    executor_.load_state(best_state_, program_.state_floats);
    best_ = evaluator_.evaluate(static_cast<int>(split_.train.size()), split_.validation);
    executor_.load_state(restored.state, program_.state_floats);
  }
}

std::string Trainer::hash(const std::vector<std::string>& lines) const {
  Sha256 sha;
  const std::vector<float> values = state();
  std::vector<const ParameterInfo*> sorted;
  for (const ParameterInfo& p : program_.parameters) sorted.push_back(&p);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  for (const ParameterInfo* p : sorted)
    for (const StatePart part : {StatePart::parameter, StatePart::moment1, StatePart::moment2}) {
      const std::vector<float> dense = read_parameter(program_, *p, part, values);
      sha.update(dense.data(), dense.size() * sizeof(float));
    }
  for (const std::string& line : lines) {
    sha.update(line);
    sha.update("\n");
  }
  return sha.hex();
}

}  // namespace equipoise
