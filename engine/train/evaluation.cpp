// engine/train/evaluation.cpp - runs a model over rows without training it.
#include "engine/train/evaluation.h"

#include <algorithm>
#include <limits>

namespace equipoise {

namespace {

/// One column a label: 1 for its class (the second of two), 0 for the others, NaN where a row has no label.
std::vector<float> label_columns(const Dataset& data, int columns) {
  std::vector<float> values;
  for (const int label : data.label)
    for (int c = 0; c < columns; ++c) {
      const bool here = columns == 1 ? label == 1 : label == c;
      values.push_back(label < 0 ? std::numeric_limits<float>::quiet_NaN() : (here ? 1.0f : 0.0f));
    }
  return values;
}

std::vector<RunTables::Values> sources_of(const MldrlModel&, const Dataset& data) {
  return {{data.views[0], data.features[0]}, {data.views[1], data.features[1]}};
}
std::vector<RunTables::Values> sources_of(const MtlModel&, const Dataset& data) {
  return {{data.views[0], data.features[0]}, {data.targets, data.target_cols}};
}
std::vector<RunTables::Values> sources_of(const VaeganModel& m, const Dataset& data) {
  return {{data.views[0], data.features[0]}, {label_columns(data, m.labels), m.labels}};
}

}  // namespace

double Evaluation::figure(const std::string& name) const {
  for (const Figure& f : figures)
    if (f.name == name) return f.values.front();
  return std::numeric_limits<double>::quiet_NaN();
}

RunTables tables_of(const Model& model, const Dataset& data, const Split& split, std::span<const float> class_weights) {
  RunTables tables;
  tables.sources = std::visit([&](const auto& m) { return sources_of(m, data); }, model);
  tables.labels.assign(data.label.begin(), data.label.end());
  for (const auto* part : {&split.train, &split.validation, &split.test})
    tables.row_list.insert(tables.row_list.end(), part->begin(), part->end());
  tables.class_weights.assign(class_weights.begin(), class_weights.end());
  return tables;
}

Evaluator::Evaluator(const Setup& setup, const Dataset& data, int batch, Executor& executor)
    : setup_(setup),
      data_(data),
      executor_(executor),
      program_(
          lower(model_graph(setup.model, Pass::evaluate), evaluation_options(setup, batch, executor.plan_limits()))) {}

Evaluation Evaluator::evaluate(int first, std::span<const int> rows) {
  const int count = static_cast<int>(rows.size());
  Settings settings = setup_.settings;
  settings.first_row = first;
  settings.rows = count;
  Control control = fresh_control(settings, static_cast<int>(program_.task_names.size()));
  Emitted emitted;
  emitted.rows = count;
  executor_.run(program_, {&settings, 1}, {&control, 1}, {(count + program_.batch - 1) / program_.batch, true},
                &emitted);

  Evaluation e{};
  e.rows = count;
  const auto mean = [](double sum, double over) {
    return over > 0 ? sum / over : std::numeric_limits<double>::quiet_NaN();
  };
  for (std::size_t t = 0; t < program_.term_names.size(); ++t)
    e.terms.push_back(mean(control.sum_terms[t], control.sum_term_rows[t]));
  for (std::size_t k = 0; k < program_.task_names.size(); ++k)
    e.losses.push_back(mean(control.sum_losses[k], control.sum_task_rows[k]));
  e.counts.assign(control.sum_task_rows, control.sum_task_rows + program_.task_names.size());
  std::visit([&](const auto& m) { judge(m, {data_, rows, emitted.values}, e); }, setup_.model);
  return e;
}

}  // namespace equipoise
