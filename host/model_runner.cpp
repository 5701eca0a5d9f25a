// host/model_runner.cpp - evaluation and predictions of a stored model.
#include "host/model_runner.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/atomic_file.h"
#include "engine/checkpoint.h"
#include "engine/error.h"
#include "host/table.h"

namespace equipoise {

namespace {

constexpr Part kParts[] = {Part::train, Part::validation, Part::test};

MldrlSetup setup_for(const TensorFile& model, const Dataset& data) {
  MldrlSetup setup = read_model_setup(model);
  const MldrlModel& m = setup.model;
  if (data.features != std::vector<int>{m.features1, m.features2} || (data.classes > 0 && data.classes != m.classes))
    throw Error(
        ExitCode::checkpoint,
        fmt::format("{}: a model of {} and {} columns and {} classes does not fit data of {} columns and {} "
                    "classes; take the model and the data of one run",
                    model.path, m.features1, m.features2, m.classes, fmt::join(data.features, " and "), data.classes));
  return setup;
}

/// Shortest decimal; a NaN has no sign here, as machines differ in it.
std::string probability_text(double p) { return std::isnan(p) ? "nan" : fmt::format("{}", p); }

}  // namespace

const char* part_name(Part part) {
  return part == Part::train ? "train" : part == Part::validation ? "validation" : "test";
}

const std::vector<int>& rows_of(const Split& split, Part part) {
  return part == Part::train ? split.train : part == Part::validation ? split.validation : split.test;
}

ModelRunner::ModelRunner(const TensorFile& model, const PreparedData& prepared, std::span<const float> class_weights,
                         Executor& executor)
    : prepared_(prepared),
      setup_(setup_for(model, prepared.data)),
      evaluator_(setup_, prepared.data, kEvaluationBatch, executor) {
  executor.load_tables(tables_of(prepared.data, prepared.split, class_weights));
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
  const auto classes = static_cast<std::size_t>(runner.classes());
  const std::vector<std::string>& names = prepared.preprocess.label_names;
  std::string text = "id,fold,seed,label";
  if (classes == 2) text += ",probability";
  for (std::size_t k = 0; classes > 2 && k < classes; ++k) text += ',' + csv_field("probability_" + names[k]);
  text += '\n';

  std::vector<std::string> lines(prepared.data.ids.size());
  for (const Part part : kParts) {
    const std::vector<int>& rows = rows_of(prepared.split, part);
    if (rows.empty()) continue;
    const Evaluation said = runner.evaluate(part);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto row = static_cast<std::size_t>(rows[r]);
      const int label = prepared.data.label[row];
      lines[row] = fmt::format("{},{},{},{}", csv_field(prepared.data.ids[row]), part_name(part), seed,
                               label < 0 ? "" : csv_field(names[static_cast<std::size_t>(label)]));
      for (std::size_t k = classes == 2 ? 1 : 0; k < classes; ++k)
        lines[row] += ',' + probability_text(said.probability[r * classes + k]);
      lines[row] += '\n';
    }
  }
  for (const std::string& line : lines) text += line;
  write_file_atomically(path, std::string_view(text));
}

}  // namespace equipoise
