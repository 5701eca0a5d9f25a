// engine/systems/evaluation.h - what a trained model says about some rows.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/statistics/figures.h"

namespace equipoise {

struct Evaluation {
  int rows = 0;
  int labelled = 0;             ///< rows with a label, or with a target of some task
  std::vector<double> terms;    ///< mean loss terms over the rows, as the model names them
  std::vector<double> losses;   ///< mean task losses, batch by batch, each weighted by what it is a mean over
  std::vector<double> counts;   ///< [tasks] rows, label weight or labelled entries that a loss is a mean over
  std::vector<double> answers;  ///< [rows, answer_cols] what predictions are made of: probabilities or values
  int answer_cols = 0;
  std::vector<Figure> figures;
  /// By a figure's name: what its values are of. A figure of several that is not here has one for each view.
  std::map<std::string, std::vector<std::string>> parts = {};

  /// The first value of a figure; NaN if there is none of that name.
  double figure(const std::string& name) const {
    for (const Figure& f : figures)
      if (f.name == name) return f.values.front();
    return kUndefined;
  }
};

/// Gives an evaluation its answers, [rows, cols].
inline void take_answers(std::vector<double> answers, std::size_t rows, int cols, Evaluation& to) {
  if (answers.size() != rows * static_cast<std::size_t>(cols))
    throw std::invalid_argument("answers of another size than rows times columns");
  to.rows = static_cast<int>(rows);
  to.answer_cols = cols;
  to.answers = std::move(answers);
}

}  // namespace equipoise
