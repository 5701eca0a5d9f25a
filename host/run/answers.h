// host/run/answers.h - what a model answers of a row, as columns of a table: probabilities, values in the data's units,
// latent means; and what it decides by them.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/systems/system.h"
#include "host/run/model_runner.h"

namespace equipoise {

/// The columns of answers of one model. A class is decided by the threshold where there are two, else by the largest
/// probability, the first of equals.
class AnswerColumns {
 public:
  /// `thresholds`: one for each decision, or none: 1/2.
  AnswerColumns(const System& system, const Preprocess& preprocess, std::vector<double> thresholds);

  /// Tells columns of these names no more.
  void leave_out(const std::vector<std::string>& names);

  /// Names in their order.
  std::vector<std::string> names() const;
  /// The same, each after a comma.
  std::string header() const;
  /// A row's values, each after a comma. `answers` are its numbers in an Evaluation.
  std::string row(std::span<const double> answers) const;
  /// As many commas.
  std::string empty_row() const { return std::string(columns_.size() + decisions_.size(), ','); }

 private:
  std::vector<AnswerColumn> columns_;
  std::vector<Decision> decisions_;
  std::vector<double> thresholds_;
};

/// The answers of row `row` of an evaluation.
std::span<const double> answers_of(const Evaluation& evaluation, std::size_t row);

/// Shortest decimal; a NaN has no sign here, as machines differ in it.
std::string number_text(double x);

/// Throws Error(data) if two columns of predictions would have one name, as class 'no' of a task 't' beside a task
/// 't_no': whoever reads the table would get the wrong one.
void expect_distinct_columns(const System& system, const Preprocess& preprocess);

/// Writes what the model says of every row of a run's data: id, fold, seed, of systems that tell it the label (as the
/// data name it; empty where unlabelled), then the columns of answers. Generated data have no such table.
void write_predictions(const std::filesystem::path& path, ModelRunner& runner, const PreparedData& prepared,
                       uint64_t seed, const std::vector<double>& thresholds);

/// Thresholds of a run's decisions: Youden's point of the validation rows where the config asks for it and both classes
/// are among them, else the config's number. Empty where all are 1/2. What could not be chosen is told.
std::vector<double> chosen_thresholds(const ThresholdChoice& choice, ModelRunner& runner, const PreparedData& prepared,
                                      std::vector<std::string>& notices);

}  // namespace equipoise
