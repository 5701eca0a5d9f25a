// host/run/model_runner.cpp - evaluation and predictions of a stored model.
#include "host/run/model_runner.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/train/checkpoint.h"
#include "host/data/table.h"
#include "host/text/csv_field.h"

namespace equipoise {

namespace {

constexpr Part kParts[] = {Part::train, Part::validation, Part::test};

Setup setup_for(const TensorFile& model, const Setup& of_data) {
  Setup setup = read_model_setup(model);
  if (setup.system->kind() != of_data.system->kind() || setup.system->demands() != of_data.system->demands())
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: a model of {} does not fit data of {}; take the model and the data of one run",
                            model.path, setup.system->demands(), of_data.system->demands()));
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
  executor.load_tables(tables_of(*setup_.system, prepared.data, prepared.split, plan.class_weights));
  executor.load_state(read_model(evaluator_.program(), model), evaluator_.program().state_floats);
}

Evaluation ModelRunner::evaluate(Part part) {
  std::size_t first = 0;
  for (const Part before : kParts)
    if (before < part) first += rows_of(prepared_.split, before).size();
  return evaluator_.evaluate(static_cast<int>(first), rows_of(prepared_.split, part));
}

void write_predictions(const std::filesystem::path& path, ModelRunner& runner, const PreparedData& prepared,
                       uint64_t seed) {
  const bool labelled = runner.system().traits().tells_labels;
  const std::vector<std::string>& names = prepared.preprocess.label_names;
  const std::vector<AnswerColumn> columns = runner.system().answer_columns({names, prepared.preprocess.targets});
  std::string text = labelled ? "id,fold,seed,label" : "id,fold,seed";
  for (const AnswerColumn& column : columns) text += ',' + csv_field(column.name);
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
      for (const AnswerColumn& column : columns)
        line += ',' + number_text(answers[column.at] * column.scale + column.mean);
      line += '\n';
    }
  }
  for (const std::string& line : lines) text += line;
  write_file_atomically(path, std::string_view(text));
}

}  // namespace equipoise
