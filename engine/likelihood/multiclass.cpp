// engine/likelihood/multiclass.cpp - two classes or more by a logit each; softmax cross-entropy.
//   loss = mean over counted rows of log sum exp a - a_t; by class weights, if any
#include "engine/likelihood/likelihood.h"

namespace equipoise {
namespace {

class Multiclass final : public Likelihood {
 public:
  std::string_view name() const override { return "multiclass"; }
  std::string_view meaning() const override { return "two classes or more"; }

  Count columns() const override { return {1, 1}; }
  Cells cells() const override { return Cells::classes; }
  Count classes() const override { return {2, INT_MAX}; }
  std::string fault(double) const override { return ""; }
  bool standardised() const override { return false; }
  std::vector<int> strata(std::span<const double> values, std::size_t) const override {
    return class_targets::strata(values);
  }

  int answers(const Target& target) const override { return target.classes; }
  void size_by_answers(int answers, Target& target) const override { target.classes = answers; }
  void add_loss(Graph& graph, const Region& answer, const Region& target, int term, int first_weight) const override {
    graph.add(TargetCrossEntropyNode{answer, target, term, first_weight});
  }
  bool has_curvature() const override { return false; }
  double lower_bound() const override { return 0; }
  double deviance_scale() const override { return 2; }
  double least_loss(std::span<const float>) const override { return 0; }
  bool over_rows() const override { return true; }

  int told_numbers(const Target& target) const override { return target.classes; }
  /// [rows, classes]
  std::vector<double> told(const Target& target, std::span<const float> answer) const override {
    return softmax_rows(answer, target.classes);
  }
  std::vector<AnswerColumn> answer_columns(const FittedTarget& fitted) const override {
    return class_targets::answer_columns(fitted);
  }
  std::vector<Figure> figures(const TaskTruth& known, std::span<const double> told) const override {
    return class_targets::figures(known, told, known.target.classes);
  }
  bool fits() const override { return false; }
  std::vector<FittedNumbers> fit(const TaskRows&) const override { return {}; }
};

}  // namespace

const Likelihood& multiclass() {
  static const Multiclass page;
  return page;
}

}  // namespace equipoise
