// engine/likelihood/binary.cpp - two classes by one logit; cross-entropy.
//   loss = mean over counted rows of log(1 + exp(-|a|)) + max(a, 0) - a t,  t in {0, 1}; by class weights, if any
#include "engine/likelihood/likelihood.h"

namespace equipoise {
namespace {

class Binary final : public Likelihood {
 public:
  std::string_view name() const override { return "binary"; }
  std::string_view meaning() const override { return "two classes"; }

  Count columns() const override { return {1, 1}; }
  Cells cells() const override { return Cells::classes; }
  Count classes() const override { return {2, 2}; }
  std::string fault(double) const override { return ""; }
  bool standardised() const override { return false; }
  std::vector<int> strata(std::span<const double> values, std::size_t) const override {
    return class_targets::strata(values);
  }

  int answers(const Target& target) const override { return target.cols; }
  void size_by_answers(int answers, Target& target) const override { target.cols = answers; }
  void add_loss(Graph& graph, const Region& answer, const Region& target, int term, int first_weight) const override {
    graph.add(TargetNode{answer, target, term, TargetForm::logistic, first_weight});
  }
  bool has_curvature() const override { return true; }
  double lower_bound() const override { return 0; }
  double deviance_scale() const override { return 2; }
  double least_loss(std::span<const float>) const override { return 0; }
  bool over_rows() const override { return true; }

  int told_numbers(const Target&) const override { return 2; }
  /// [rows, 2]
  std::vector<double> told(const Target&, std::span<const float> answer) const override {
    std::vector<double> p;
    for (const float logit : answer) {
      p.push_back(1.0 - sigmoid(logit));
      p.push_back(sigmoid(logit));
    }
    return p;
  }
  std::vector<AnswerColumn> answer_columns(const FittedTarget& fitted) const override {
    return class_targets::answer_columns(fitted);
  }
  std::vector<Figure> figures(const TaskTruth& known, std::span<const double> told) const override {
    return class_targets::figures(known, told, 2);
  }
  bool fits() const override { return false; }
  std::vector<FittedNumbers> fit(const TaskRows&) const override { return {}; }
};

}  // namespace

const Likelihood& binary() {
  static const Binary page;
  return page;
}

}  // namespace equipoise
