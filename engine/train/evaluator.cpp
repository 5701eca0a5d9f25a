// engine/train/evaluator.cpp - runs a model over rows without training it.
#include "engine/train/evaluator.h"

#include <algorithm>

#include "engine/base/machine_memory.h"
#include "engine/train/memory_needed.h"

namespace equipoise {

namespace {

Program evaluation_program(const Setup& setup, int batch, const Executor& executor) {
  Program program =
      lower(setup.system->graph(Pass::evaluate), evaluation_options(setup, batch, executor.plan_limits()));
  expect_memory(running_bytes(program), "an evaluation of this model");
  return program;
}

}  // namespace

RunTables tables_of(const System& system, const Dataset& data, const Split& split,
                    std::span<const float> class_weights) {
  RunTables tables;
  tables.sources = system.sources(data);
  tables.labels.assign(data.label.begin(), data.label.end());
  for (const auto* part : {&split.train, &split.validation, &split.test})
    tables.row_list.insert(tables.row_list.end(), part->begin(), part->end());
  tables.class_weights.assign(class_weights.begin(), class_weights.end());
  return tables;
}

Evaluator::Evaluator(const Setup& setup, const Dataset& data, int batch, Executor& executor)
    : setup_(setup), data_(data), executor_(executor), program_(evaluation_program(setup, batch, executor)) {}

Evaluator::Ran Evaluator::run(std::span<const Settings> replicas, int first, std::span<const int> rows) {
  const int count = static_cast<int>(rows.size());
  if (setup_.system->rows_at_once() && program_.batch != count) program_ = evaluation_program(setup_, count, executor_);
  std::vector<Settings> settings(replicas.begin(), replicas.end());
  Ran ran;
  for (Settings& s : settings) {
    s.first_row = first;
    s.rows = count;
    ran.controls.push_back(fresh_control(s, static_cast<int>(program_.task_names.size())));
  }
  ran.emitted.rows = count;
  executor_.run(program_, settings, ran.controls, {(count + program_.batch - 1) / program_.batch, true}, &ran.emitted);
  return ran;
}

Evaluation Evaluator::judged(const Control& control, std::span<const int> rows,
                             const std::vector<std::vector<float>>& outputs, std::span<const double> thresholds) const {
  Evaluation e{};
  e.rows = static_cast<int>(rows.size());
  const auto mean = [](double sum, double over) { return over > 0 ? sum / over : kUndefined; };
  for (std::size_t t = 0; t < program_.term_names.size(); ++t)
    e.terms.push_back(mean(control.sum_terms[t], control.sum_term_rows[t]));
  for (std::size_t k = 0; k < program_.task_names.size(); ++k)
    e.losses.push_back(mean(control.sum_losses[k], control.sum_task_rows[k]));
  e.counts.assign(control.sum_task_rows, control.sum_task_rows + program_.task_names.size());
  setup_.system->judge({data_, rows, outputs, thresholds}, e);
  return e;
}

std::vector<Evaluation> Evaluator::evaluate(std::span<const Settings> replicas, int first, std::span<const int> rows) {
  const Ran ran = run(replicas, first, rows);
  std::vector<Evaluation> evaluations;
  for (std::size_t r = 0; r < replicas.size(); ++r) {
    std::vector<std::vector<float>> outputs;
    for (const std::vector<float>& all : ran.emitted.values) {
      const auto share = static_cast<std::ptrdiff_t>(all.size() / replicas.size());
      const auto from = all.begin() + static_cast<std::ptrdiff_t>(r) * share;
      outputs.emplace_back(from, from + share);
    }
    evaluations.push_back(judged(ran.controls[r], rows, outputs, {}));
  }
  return evaluations;
}

Evaluation Evaluator::evaluate(int first, std::span<const int> rows, std::span<const double> thresholds) {
  const Ran ran = run({&setup_.settings, 1}, first, rows);
  return judged(ran.controls.front(), rows, ran.emitted.values, thresholds);
}

std::vector<double> Evaluator::latents(int first, std::span<const int> rows) {
  const Ran ran = run({&setup_.settings, 1}, first, rows);
  return setup_.system->latents({data_, rows, ran.emitted.values});
}

std::vector<std::vector<float>> Evaluator::outputs(std::span<const Settings> replicas, int first,
                                                   std::span<const int> rows) {
  return run(replicas, first, rows).emitted.values;
}

}  // namespace equipoise
