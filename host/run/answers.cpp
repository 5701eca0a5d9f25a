// host/run/answers.cpp - answers as text.
#include "host/run/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/statistics/auc.h"
#include "host/text/csv_field.h"

namespace equipoise {

namespace {

AnswerNames names_in(const Preprocess& preprocess) { return {preprocess.label_names, preprocess.targets}; }

/// The class that a row is called by, or none where its probabilities are no numbers.
std::string decided(const Decision& decision, double threshold, std::span<const double> answers) {
  const auto probability = answers.subspan(decision.first, decision.classes.size());
  if (!all_finite(probability)) return "";
  if (probability.size() == 2) return decision.classes[probability[1] >= threshold ? 1 : 0];
  return decision.classes[static_cast<std::size_t>(std::max_element(probability.begin(), probability.end()) -
                                                   probability.begin())];
}

/// The true class of each row by its number, -1 where it is not known.
std::vector<int> truth_of(const Decision& decision, const Dataset& data, const std::vector<int>& rows) {
  std::vector<int> truth;
  for (const int r : rows) {
    const auto row = static_cast<std::size_t>(r);
    if (decision.target < 0) {
      truth.push_back(data.label[row]);
      continue;
    }
    const auto width = static_cast<std::size_t>(data.target_cols), column = static_cast<std::size_t>(decision.target);
    const float value = data.targets[row * width + column];
    truth.push_back(std::isnan(value) ? -1 : static_cast<int>(value));
  }
  return truth;
}

/// Where the answers of a row are.
struct PlaceInPart {
  Part part = Part::train;
  std::size_t at = 0;
};

}  // namespace

std::string number_text(double x) { return std::isnan(x) ? "nan" : fmt::format("{}", x); }

std::span<const double> answers_of(const Evaluation& e, std::size_t row) {
  const auto columns = static_cast<std::size_t>(e.answer_cols);
  return std::span(e.answers).subspan(row * columns, columns);
}

AnswerColumns::AnswerColumns(const System& system, const Preprocess& preprocess, std::vector<double> thresholds)
    : columns_(system.answer_columns(names_in(preprocess))),
      decisions_(system.decisions(names_in(preprocess))),
      thresholds_(std::move(thresholds)) {
  thresholds_.resize(decisions_.size(), kHalf);
}

void AnswerColumns::leave_out(const std::vector<std::string>& names) {
  std::erase_if(columns_, [&](const AnswerColumn& column) {
    return std::find(names.begin(), names.end(), column.name) != names.end();
  });
}

std::vector<std::string> AnswerColumns::names() const {
  std::vector<std::string> names;
  for (const AnswerColumn& column : columns_) names.push_back(column.name);
  for (const Decision& decision : decisions_) names.push_back(decision.name);
  return names;
}

std::string AnswerColumns::header() const {
  std::string text;
  for (const std::string& name : names()) text += ',' + csv_field(name);
  return text;
}

void expect_distinct_columns(const System& system, const Preprocess& preprocess) {
  std::set<std::string> known{"id", "fold", "seed"};
  if (system.traits().tells_labels) known.insert("label");
  for (const std::string& name : AnswerColumns(system, preprocess, {}).names())
    if (!known.insert(name).second)
      throw Error(ExitCode::data, fmt::format("data: two columns of the predictions would be called '{}'; rename a "
                                              "target or a class",
                                              name));
}

std::string AnswerColumns::row(std::span<const double> answers) const {
  std::string text;
  for (const AnswerColumn& column : columns_)
    text += ',' + number_text(answers[column.at] * column.scale + column.mean);
  for (std::size_t d = 0; d < decisions_.size(); ++d)
    text += ',' + csv_field(decided(decisions_[d], thresholds_[d], answers));
  return text;
}

void write_predictions(const std::filesystem::path& path, ModelRunner& runner, const PreparedData& prepared,
                       uint64_t seed, const std::vector<double>& thresholds) {
  const bool labelled = runner.system().traits().tells_labels;
  const std::vector<std::string>& names = prepared.preprocess.label_names;
  const AnswerColumns columns(runner.system(), prepared.preprocess, thresholds);
  std::vector<PlaceInPart> places(prepared.data.ids.size());
  std::vector<Evaluation> said;
  for (const Part part : {Part::train, Part::validation, Part::test}) {
    const std::vector<int>& rows = rows_of(prepared.split, part);
    said.push_back(rows.empty() ? Evaluation{} : runner.evaluate(part));
    for (std::size_t r = 0; r < rows.size(); ++r) places[static_cast<std::size_t>(rows[r])] = {part, r};
  }
  write_file_atomically(path, [&](const TextSink& sink) {
    sink((labelled ? "id,fold,seed,label" : "id,fold,seed") + columns.header() + '\n');
    for (std::size_t row = 0; row < places.size(); ++row) {
      const auto [part, at] = places[row];
      std::string line = fmt::format("{},{},{}", csv_field(prepared.data.ids[row]), part_name(part), seed);
      const int label = prepared.data.label[row];
      if (labelled) line += ',' + (label < 0 ? "" : csv_field(names[static_cast<std::size_t>(label)]));
      sink(line + columns.row(answers_of(said[static_cast<std::size_t>(part)], at)) + '\n');
    }
  });
}

std::vector<double> chosen_thresholds(const ThresholdChoice& choice, ModelRunner& runner, const PreparedData& prepared,
                                      std::vector<std::string>& notices) {
  const std::vector<Decision> decisions = runner.system().decisions(names_in(prepared.preprocess));
  std::vector<double> thresholds(decisions.size(), choice.value);
  if (!choice.youden) return choice.value == kHalf ? std::vector<double>{} : thresholds;
  const std::vector<int>& rows = prepared.split.validation;
  const Evaluation said = rows.empty() ? Evaluation{} : runner.evaluate(Part::validation);
  for (std::size_t d = 0; d < decisions.size(); ++d) {
    if (decisions[d].classes.size() != 2) continue;
    std::vector<double> second;
    for (std::size_t r = 0; r < rows.size(); ++r) second.push_back(answers_of(said, r)[decisions[d].first + 1]);
    const double point =
        all_finite(second) ? youden_threshold(second, truth_of(decisions[d], prepared.data, rows)) : kUndefined;
    if (std::isnan(point))
      notices.push_back(
          fmt::format("evaluate.threshold: the validation rows do not hold both classes of {}, so that "
                      "Youden's point is not known, and 0.5 is kept; raise data.validation",
                      decisions[d].name));
    else thresholds[d] = point;
  }
  return thresholds;
}

}  // namespace equipoise
