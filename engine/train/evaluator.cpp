// engine/train/evaluator.cpp - runs a model over rows without training it.
#include "engine/train/evaluator.h"

#include <algorithm>

namespace equipoise {

namespace {

Program evaluation_program(const Setup& setup, int batch, const Executor& executor) {
  return lower(setup.system->graph(Pass::evaluate), evaluation_options(setup, batch, executor.plan_limits()));
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

Evaluator::Ran Evaluator::run(int first, std::span<const int> rows) {
  const int count = static_cast<int>(rows.size());
  if (setup_.system->rows_at_once() && program_.batch != count) program_ = evaluation_program(setup_, count, executor_);
  Settings settings = setup_.settings;
  settings.first_row = first;
  settings.rows = count;
  Ran ran{fresh_control(settings, static_cast<int>(program_.task_names.size())), {}};
  ran.emitted.rows = count;
  executor_.run(program_, {&settings, 1}, {&ran.control, 1}, {(count + program_.batch - 1) / program_.batch, true},
                &ran.emitted);
  return ran;
}

Evaluation Evaluator::evaluate(int first, std::span<const int> rows) {
  const Ran ran = run(first, rows);
  const Control& control = ran.control;
  Evaluation e{};
  e.rows = static_cast<int>(rows.size());
  const auto mean = [](double sum, double over) { return over > 0 ? sum / over : kUndefined; };
  for (std::size_t t = 0; t < program_.term_names.size(); ++t)
    e.terms.push_back(mean(control.sum_terms[t], control.sum_term_rows[t]));
  for (std::size_t k = 0; k < program_.task_names.size(); ++k)
    e.losses.push_back(mean(control.sum_losses[k], control.sum_task_rows[k]));
  e.counts.assign(control.sum_task_rows, control.sum_task_rows + program_.task_names.size());
  setup_.system->judge({data_, rows, ran.emitted.values}, e);
  return e;
}

std::vector<std::vector<float>> Evaluator::outputs(int first, std::span<const int> rows) {
  return run(first, rows).emitted.values;
}

}  // namespace equipoise
