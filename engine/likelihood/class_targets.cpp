// engine/likelihood/class_targets.cpp - what targets of classes have in common.
#include <cmath>

#include "engine/likelihood/likelihood.h"
#include "engine/statistics/auc.h"

namespace equipoise::class_targets {

std::vector<int> strata(std::span<const double> values) {
  std::vector<int> stratum;
  for (const double value : values) stratum.push_back(std::isnan(value) ? -1 : static_cast<int>(value));
  return stratum;
}

std::vector<AnswerColumn> answer_columns(const FittedTarget& fitted) {
  std::vector<AnswerColumn> columns;
  for (const std::string& name : fitted.class_names)
    columns.push_back({fitted.columns.front() + "_" + name, columns.size()});
  return columns;
}

std::vector<Figure> figures(const TaskTruth& known, std::span<const double> probability, int classes) {
  std::vector<int> label;
  for (const float t : known.truth) label.push_back(std::isnan(t) ? -1 : static_cast<int>(t));
  const bool judged = count_labels(label) > 0 && all_finite(probability);
  double accuracy = kUndefined;
  if (judged)
    accuracy = classes == 2 ? count_binary(second_of_two(probability), label, known.threshold).accuracy()
                            : accuracy_of(probability, label, classes);
  return {{known.target.name + ".auc", {judged ? multiclass_auc(probability, label, classes) : kUndefined}},
          {known.target.name + ".accuracy", {accuracy}}};
}

}  // namespace equipoise::class_targets
