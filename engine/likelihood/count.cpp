// engine/likelihood/count.cpp - a number of events, such as visits: Poisson with log link.
//   loss = mean over counted entries of exp(a) - y a + log y!
// The negative log likelihood (McCullagh and Nelder, "Generalized Linear Models", 1989, chapter 6); the answer a is the
// logarithm of the expected count.
#include <climits>
#include <cmath>

#include "engine/likelihood/number_targets.h"
#include "kernels/base/strict_math.h"

namespace equipoise {
namespace {

/// Beyond it float32 leaves out whole numbers.
constexpr double kMostCounted = 0x1p24;

/// What an entry adds to the Poisson deviance: twice what its log likelihood lacks to the best there is. Infinite where
/// something was counted and 0 expected.
double deviance(double count, double expected) {
  const double known = count > 0 ? count * (strict_log(count) - strict_log(expected)) : 0.0;
  return 2 * (known - (count - expected));
}

class Counted final : public Likelihood {
 public:
  std::string_view name() const override { return "count"; }
  std::string_view meaning() const override { return "numbers of events, 0, 1, 2, ..., also of several columns: a,b"; }

  Count columns() const override { return {1, INT_MAX}; }
  Cells cells() const override { return Cells::numbers; }
  Count classes() const override { return {0, 0}; }
  std::string fault(double value) const override {
    if (value < 0) return "is negative, and counts are not";
    if (value != std::floor(value)) return "is no whole number, and counts are";
    return value > kMostCounted ? "is beyond 16777216, the largest count" : "";
  }
  bool standardised() const override { return false; }
  std::vector<int> strata(std::span<const double>, std::size_t) const override { return {}; }

  int answers(const Target& target) const override { return target.cols; }
  void size_by_answers(int answers, Target& target) const override { target.cols = answers; }
  void add_loss(Graph& graph, const Region& answer, const Region& target, int term, int) const override {
    graph.add(TargetNode{answer, target, term, TargetForm::poisson});
  }
  bool has_curvature() const override { return true; }
  double lower_bound() const override { return 0; }  // a probability is at most one
  double deviance_scale() const override { return 2; }
  /// Each entry expected as it is: y - y log y + log y!
  double least_loss(std::span<const float> truth) const override {
    double sum = 0, known = 0;
    for (const float value : truth) {
      if (std::isnan(value)) continue;
      const double y = value;
      sum += (y > 0 ? y - y * strict_log(y) : 0.0) + strict_log_factorial(y);
      ++known;
    }
    return known > 0 ? sum / known : 0.0;
  }
  bool over_rows() const override { return true; }

  int told_numbers(const Target& target) const override { return target.cols; }
  /// Expected counts.
  std::vector<double> told(const Target&, std::span<const float> answer) const override {
    std::vector<double> expected;
    for (const float a : answer) expected.push_back(strict_exp(double{a}));
    return expected;
  }
  std::vector<AnswerColumn> answer_columns(const FittedTarget& fitted) const override {
    std::vector<AnswerColumn> columns;
    for (std::size_t c = 0; c < fitted.columns.size(); ++c) columns.push_back({fitted.columns[c], c});
    return columns;
  }

  /// Mean Poisson deviance, mean absolute error, and D^2: one minus the deviance's share of that of each column's mean.
  std::vector<Figure> figures(const TaskTruth& known, std::span<const double> told) const override {
    double off = 0, deviances = 0, of_means = 0;
    const double count = number_targets::each_known(known, [&](double value, std::size_t i, double mean) {
      off += std::fabs(value - told[i]);
      deviances += deviance(value, told[i]);
      of_means += deviance(value, mean);
    });
    const auto each = [&](double total) { return count > 0 ? total / count : kUndefined; };
    return {{known.target.name + ".deviance", {each(deviances)}},
            {known.target.name + ".mae", {each(off)}},
            {known.target.name + ".d2", {of_means > 0 ? 1.0 - deviances / of_means : kUndefined}}};
  }
  bool fits() const override { return false; }
  std::vector<FittedNumbers> fit(const TaskRows&) const override { return {}; }
};

}  // namespace

const Likelihood& count() {
  static const Counted page;
  return page;
}

}  // namespace equipoise
