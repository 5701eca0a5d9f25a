// tests/engine/likelihood/made_likelihood.h - likelihoods that no table holds: regression with other habits.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/likelihood/likelihood.h"

namespace equipoise::test {

/// Regression in all but what a test changes.
class Made : public Likelihood {
 public:
  std::string_view name() const override { return "made"; }
  std::string_view meaning() const override { return "of a test"; }
  Count columns() const override { return regression().columns(); }
  Cells cells() const override { return Cells::numbers; }
  Count classes() const override { return {0, 0}; }
  std::string fault(double value) const override { return value < 0 ? "is negative" : ""; }
  bool standardised() const override { return false; }
  std::vector<int> strata(std::span<const double>, std::size_t) const override { return {}; }
  int answers(const Target& target) const override { return target.cols; }
  void size_by_answers(int answers, Target& target) const override { target.cols = answers; }
  void add_loss(Graph& graph, const Region& answer, const Region& target, int term, int first_weight) const override {
    regression().add_loss(graph, answer, target, term, first_weight);
  }
  bool has_curvature() const override { return false; }
  double lower_bound() const override { return 0; }
  double deviance_scale() const override { return 1; }
  double least_loss(std::span<const float>) const override { return 0; }
  bool over_rows() const override { return true; }
  int told_numbers(const Target& target) const override { return target.cols; }
  std::vector<double> told(const Target& target, std::span<const float> answer) const override {
    return regression().told(target, answer);
  }
  std::vector<AnswerColumn> answer_columns(const FittedTarget& fitted) const override {
    return regression().answer_columns(fitted);
  }
  std::vector<Figure> figures(const TaskTruth&, std::span<const double>) const override { return {}; }
  bool fits() const override { return false; }
  std::vector<FittedNumbers> fit(const TaskRows&) const override { return {}; }
};

/// Fits the mean error of the training rows.
class Fitting final : public Made {
 public:
  bool fits() const override { return true; }
  std::vector<FittedNumbers> fit(const TaskRows& rows) const override {
    double sum = 0, count = 0;
    for (std::size_t i = 0; i < rows.truth.size(); ++i)
      if (!std::isnan(rows.truth[i])) sum += double{rows.truth[i]} - double{rows.answer[i]}, count += 1;
    return {{"offset", {sum / count, count}}};
  }
};

/// Needs the batch as a whole.
class Whole final : public Made {
 public:
  bool over_rows() const override { return false; }
};

}  // namespace equipoise::test
