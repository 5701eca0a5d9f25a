// host/run/model_runner.cpp - evaluation and predictions of a stored model.
#include "host/run/model_runner.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/train/checkpoint.h"
#include "host/data/table.h"

namespace equipoise {

namespace {

constexpr Part kParts[] = {Part::train, Part::validation, Part::test};

/// What of data and model must agree, in words.
std::string demands(const MldrlModel& m) {
  return fmt::format("{} and {} columns and {} classes", m.features1, m.features2, m.classes);
}
std::string demands(const MtlModel& m) {
  std::string text = fmt::format("{} columns", m.features);
  for (const Target& t : m.tasks) text += fmt::format(", {} answers for {}", t.outputs(), t.name);
  return text;
}
std::string demands(const VaeganModel& m) { return fmt::format("{} columns and {} labels", m.features, m.labels); }

Setup setup_for(const TensorFile& model, const Setup& of_data) {
  Setup setup = read_model_setup(model);
  const auto text = [](const Setup& s) { return std::visit([](const auto& m) { return demands(m); }, s.model); };
  if (setup.model.index() != of_data.model.index() || text(setup) != text(of_data))
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: a model of {} does not fit data of {}; take the model and the data of one run",
                            model.path, text(setup), text(of_data)));
  return setup;
}

/// Shortest decimal; a NaN has no sign here, as machines differ in it.
std::string number_text(double x) { return std::isnan(x) ? "nan" : fmt::format("{}", x); }

}  // namespace

const char* part_name(Part part) {
  return part == Part::train ? "train" : part == Part::validation ? "validation" : "test";
}

const std::vector<int>& rows_of(const Split& split, Part part) {
  return part == Part::train ? split.train : part == Part::validation ? split.validation : split.test;
}

ModelRunner::ModelRunner(const TensorFile& model, const PreparedData& prepared, const TrainingPlan& plan,
                         Executor& executor)
    : prepared_(prepared),
      setup_(setup_for(model, plan.setup)),
      evaluator_(setup_, prepared.data, kEvaluationBatch, executor) {
  executor.load_tables(tables_of(setup_.model, prepared.data, prepared.split, plan.class_weights));
  executor.load_state(read_model(evaluator_.program(), model), evaluator_.program().state_floats);
}

Evaluation ModelRunner::evaluate(Part part) {
  std::size_t first = 0;
  for (const Part before : kParts)
    if (before < part) first += rows_of(prepared_.split, before).size();
  return evaluator_.evaluate(static_cast<int>(first), rows_of(prepared_.split, part));
}

namespace {

/// A column of predictions.csv: its name, and its text from a row of answers.
struct Column {
  std::string name;
  std::function<std::string(const double* answers)> text;
};

Column answer(const std::string& name, std::size_t at, double scale = 1, double mean = 0) {
  return {name, [=](const double* answers) { return number_text(answers[at] * scale + mean); }};
}

std::vector<Column> columns_of(const MldrlModel& m, const PreparedData& prepared) {
  if (m.classes == 2) return {answer("probability", 1)};
  std::vector<Column> columns;
  for (std::size_t k = 0; k < static_cast<std::size_t>(m.classes); ++k)
    columns.push_back(answer("probability_" + prepared.preprocess.label_names[k], k));
  return columns;
}

std::vector<Column> columns_of(const MtlModel&, const PreparedData& prepared) {
  std::vector<Column> columns;
  std::size_t at = 0;
  for (const FittedTarget& t : prepared.preprocess.targets) {
    for (std::size_t c = 0; t.kind == TargetKind::regression && c < t.columns.size(); ++c)
      columns.push_back(answer(t.columns[c], at++, t.scale[c], t.mean[c]));
    for (const std::string& name : t.class_names) columns.push_back(answer(t.columns[0] + "_" + name, at++));
  }
  return columns;
}

std::vector<Column> columns_of(const VaeganModel& m, const PreparedData&) {
  std::vector<Column> columns;
  for (int i = 0; i < m.latent; ++i)
    columns.push_back(answer(fmt::format("latent{}", i + 1), static_cast<std::size_t>(i)));
  return columns;
}

}  // namespace

void write_predictions(const std::filesystem::path& path, ModelRunner& runner, const PreparedData& prepared,
                       uint64_t seed) {
  const bool labelled = std::holds_alternative<MldrlModel>(runner.model());
  const std::vector<std::string>& names = prepared.preprocess.label_names;
  const std::vector<Column> columns =
      std::visit([&](const auto& m) { return columns_of(m, prepared); }, runner.model());
  std::string text = labelled ? "id,fold,seed,label" : "id,fold,seed";
  for (const Column& column : columns) text += ',' + csv_field(column.name);
  text += '\n';

  std::vector<std::string> lines(prepared.data.ids.size());
  for (const Part part : kParts) {
    const std::vector<int>& rows = rows_of(prepared.split, part);
    if (rows.empty()) continue;
    const Evaluation said = runner.evaluate(part);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto row = static_cast<std::size_t>(rows[r]);
      std::string& line = lines[row];
      line = fmt::format("{},{},{}", csv_field(prepared.data.ids[row]), part_name(part), seed);
      const int label = prepared.data.label[row];
      if (labelled) line += ',' + (label < 0 ? "" : csv_field(names[static_cast<std::size_t>(label)]));
      const double* answers = said.answers.data() + r * static_cast<std::size_t>(said.answer_cols);
      for (const Column& column : columns) line += ',' + column.text(answers);
      line += '\n';
    }
  }
  for (const std::string& line : lines) text += line;
  write_file_atomically(path, std::string_view(text));
}

}  // namespace equipoise
