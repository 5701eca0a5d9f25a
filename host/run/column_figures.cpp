// host/run/column_figures.cpp - answers beside targets, both brought back to the data's units.
#include "host/run/column_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace equipoise {

namespace {

/// Sums over the rows that know the column.
struct ColumnErrors {
  double known = 0, squares = 0, absolute = 0, sum = 0, spread = 0;

  std::vector<Figure> figures(const std::string& name) const {
    const auto each = [&](double total) { return known > 0 ? total / known : kUndefined; };
    return {{name + ".rmse", {std::sqrt(each(squares))}},
            {name + ".mae", {each(absolute)}},
            {name + ".r2", {spread > 0 ? 1 - squares / spread : kUndefined}}};
  }
};

/// `answer` is a column of predictions, `at` the target's in Dataset::targets.
ColumnErrors errors_of(const Evaluation& e, const AnswerColumn& answer, const FittedTarget& target, std::size_t column,
                       std::size_t at, const Dataset& data, std::span<const int> rows) {
  ColumnErrors errors;
  const auto truth = [&](int row) {
    const float scaled = data.targets[static_cast<std::size_t>(row) * static_cast<std::size_t>(data.target_cols) + at];
    return double{scaled} * target.scale[column] + target.mean[column];
  };
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const double y = truth(rows[r]);
    if (std::isnan(y)) continue;
    const double told = e.answers[r * static_cast<std::size_t>(e.answer_cols) + answer.at];
    const double off = told * answer.scale + answer.mean - y;
    errors.known += 1;
    errors.squares += off * off;
    errors.absolute += std::fabs(off);
    errors.sum += y;
  }
  for (const int row : rows)
    if (const double off = truth(row) - errors.sum / errors.known; !std::isnan(off)) errors.spread += off * off;
  return errors;
}

}  // namespace

std::vector<Figure> column_figures(const Evaluation& evaluation, const System& system, const Preprocess& preprocess,
                                   const Dataset& data, std::span<const int> rows) {
  const std::vector<FittedTarget>& targets = preprocess.targets;
  const std::vector<AnswerColumn> answers = system.answer_columns({preprocess.label_names, targets});
  std::vector<Figure> all;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    if (targets[t].likelihood->cells() != Cells::numbers) continue;
    const Target& task = data.tasks[t];
    for (std::size_t c = 0; c < targets[t].columns.size(); ++c) {
      const std::string& column = targets[t].columns[c];
      const auto answer =
          std::find_if(answers.begin(), answers.end(), [&](const AnswerColumn& a) { return a.name == column; });
      if (answer == answers.end()) continue;
      const ColumnErrors errors =
          errors_of(evaluation, *answer, targets[t], c, static_cast<std::size_t>(task.first_col) + c, data, rows);
      const std::string name = targets[t].columns.size() == 1 ? task.name : fmt::format("{}.{}", task.name, column);
      for (Figure& figure : errors.figures(name))
        if (std::none_of(evaluation.figures.begin(), evaluation.figures.end(),
                         [&](const Figure& f) { return f.name == figure.name; }))
          all.push_back(std::move(figure));
    }
  }
  return all;
}

std::string_view unit_in_words(std::string_view figure) {
  if (figure.ends_with(".rmse") || figure.ends_with(".mae")) return "  (in the data's units)";
  return figure.ends_with(".mse") ? "  (of standardised values)" : "";
}

}  // namespace equipoise
