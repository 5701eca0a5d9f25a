// engine/train/evaluator.cpp - runs a model over rows without training it.
#include "engine/train/evaluator.h"

#include <algorithm>

#include "engine/base/machine_memory.h"
#include "engine/train/memory_needed.h"

namespace equipoise {

Program evaluation_program(const Setup& setup, int batch, const PlanLimits& limits) {
  Program program = lower(setup.system->graph(Pass::evaluate), evaluation_options(setup, batch, limits));
  expect_memory(running_bytes(program), "an evaluation of this model");
  return program;
}

RunTables tables_of(const System& system, const Dataset& data, const Split& split,
                    std::span<const float> class_weights) {
  RunTables tables;
  tables.sources = system.sources(data);
  tables.labels.assign(data.label.begin(), data.label.end());
  for (const Part part : {Part::train, Part::validation, Part::test}) {
    const std::vector<int>& rows = rows_of(split, part);
    tables.row_list.insert(tables.row_list.end(), rows.begin(), rows.end());
  }
  tables.class_weights.assign(class_weights.begin(), class_weights.end());
  return tables;
}

Evaluator::Evaluator(const Setup& setup, const Dataset& data, int batch, Executor& executor)
    : setup_(setup),
      data_(data),
      executor_(executor),
      program_(evaluation_program(setup, batch, executor.plan_limits())) {}

const Evaluator::Ran& Evaluator::run(std::span<const Settings> replicas, std::vector<EvaluatedRows> of) {
  ran_.of = std::move(of);
  ran_.controls.resize(replicas.size());
  ran_.emitted.rows = 0;
  for (const EvaluatedRows& some : ran_.of)
    ran_.emitted.rows = std::max(ran_.emitted.rows, static_cast<int>(some.rows.size()));
  // A batch that is not full is summed as one made for its rows alone: all replicas take the batch of the largest.
  if (setup_.system->rows_at_once() && program_.batch != ran_.emitted.rows)
    program_ = evaluation_program(setup_, ran_.emitted.rows, executor_.plan_limits());
  std::vector<Settings> settings(replicas.begin(), replicas.end());
  for (std::size_t r = 0; r < settings.size(); ++r) {
    settings[r].first_row = ran_.of[r].first;
    settings[r].rows = static_cast<int32_t>(ran_.of[r].rows.size());
    ran_.controls[r] = fresh_control(settings[r], static_cast<int>(program_.task_names.size()));
  }
  const int steps = (ran_.emitted.rows + program_.batch - 1) / program_.batch;
  executor_.run(program_, settings, ran_.controls, {steps, true}, &ran_.emitted);
  return ran_;
}

std::vector<std::vector<float>> emitted_rows(const Program& program, const Emitted& emitted, std::size_t block,
                                             std::size_t rows) {
  std::vector<std::vector<float>> outputs;
  for (std::size_t o = 0; o < emitted.values.size(); ++o) {
    const auto cols = static_cast<std::size_t>(program.output_cols[o]);
    const auto from =
        emitted.values[o].begin() + static_cast<std::ptrdiff_t>(block * static_cast<std::size_t>(emitted.rows) * cols);
    outputs.emplace_back(from, from + static_cast<std::ptrdiff_t>(rows * cols));
  }
  return outputs;
}

std::vector<std::vector<float>> Evaluator::outputs(const Ran& ran, std::size_t replica) const {
  return emitted_rows(program_, ran.emitted, replica, ran.of[replica].rows.size());
}

Evaluation judged_evaluation(const Program& program, const Control& control, std::span<const int> rows,
                             const std::vector<std::vector<float>>& outputs, const Judge& by) {
  Evaluation e{};
  e.rows = static_cast<int>(rows.size());
  const auto mean = [](double sum, double over) { return over > 0 ? sum / over : kUndefined; };
  for (std::size_t t = 0; t < program.term_names.size(); ++t)
    e.terms.push_back(mean(control.sum_terms[t], control.sum_term_rows[t]));
  for (std::size_t k = 0; k < program.task_names.size(); ++k)
    e.losses.push_back(mean(control.sum_losses[k], control.sum_task_rows[k]));
  e.counts.assign(control.sum_task_rows, control.sum_task_rows + program.task_names.size());
  by.system.judge({by.data, rows, outputs, by.thresholds}, e);
  return e;
}

Evaluation Evaluator::judged(const Ran& ran, std::size_t replica, const Judge& by) const {
  return judged_evaluation(program_, ran.controls[replica], ran.of[replica].rows, outputs(ran, replica), by);
}

Evaluation Evaluator::evaluate(int first, std::span<const int> rows, std::span<const double> thresholds) {
  return judged(run({&setup_.settings, 1}, {{first, rows}}), 0, {*setup_.system, data_, thresholds});
}

std::vector<double> Evaluator::latents(int first, std::span<const int> rows) {
  const Ran& ran = run({&setup_.settings, 1}, {{first, rows}});
  return setup_.system->latents({data_, rows, ran.emitted.values});
}

}  // namespace equipoise
