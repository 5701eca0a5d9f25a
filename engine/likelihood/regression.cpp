// engine/likelihood/regression.cpp - one number or several of them, standardised; squared error.
//   loss = mean over counted entries of (answer - target)^2
// The negative log likelihood of a normal target whose variance is one, up to factor and constant.
#include "engine/likelihood/number_targets.h"

namespace equipoise {
namespace {

class Regression final : public Likelihood {
 public:
  std::string_view name() const override { return "regression"; }
  std::string_view meaning() const override { return "numbers, also of several columns: a,b"; }

  Count columns() const override { return {1, INT_MAX}; }
  Cells cells() const override { return Cells::numbers; }
  Count classes() const override { return {0, 0}; }
  std::string fault(double) const override { return ""; }
  bool standardised() const override { return true; }
  std::vector<int> strata(std::span<const double>, std::size_t) const override { return {}; }

  int answers(const Target& target) const override { return target.cols; }
  void size_by_answers(int answers, Target& target) const override { target.cols = answers; }
  void add_loss(Graph& graph, const Region& answer, const Region& target, int term, int) const override {
    graph.add(TargetNode{answer, target, term, TargetForm::squared});
  }
  bool has_curvature() const override { return true; }
  double lower_bound() const override { return 0; }
  double deviance_scale() const override { return 1; }  // of unit variance
  double least_loss(std::span<const float>) const override { return 0; }
  bool over_rows() const override { return true; }

  int told_numbers(const Target& target) const override { return target.cols; }
  std::vector<double> told(const Target&, std::span<const float> answer) const override {
    return {answer.begin(), answer.end()};
  }
  std::vector<AnswerColumn> answer_columns(const FittedTarget& fitted) const override {
    std::vector<AnswerColumn> columns;
    for (std::size_t c = 0; c < fitted.columns.size(); ++c)
      columns.push_back({fitted.columns[c], c, fitted.scale[c], fitted.mean[c]});
    return columns;
  }

  /// Mean squared error, and one minus its share of the targets' variance.
  std::vector<Figure> figures(const TaskTruth& known, std::span<const double> told) const override {
    double squares = 0, spread = 0;
    const double count = number_targets::each_known(known, [&](double value, std::size_t i, double mean) {
      const double off = value - told[i];
      squares += off * off;
      spread += (value - mean) * (value - mean);
    });
    return {{known.target.name + ".mse", {count > 0 ? squares / count : kUndefined}},
            {known.target.name + ".r2", {spread > 0 ? 1.0 - squares / spread : kUndefined}}};
  }
  bool fits() const override { return false; }
  std::vector<FittedNumbers> fit(const TaskRows&) const override { return {}; }
};

}  // namespace

const Likelihood& regression() {
  static const Regression page;
  return page;
}

}  // namespace equipoise
