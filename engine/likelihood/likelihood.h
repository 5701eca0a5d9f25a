// engine/likelihood/likelihood.h - what a target is: how its cells are read and scaled, what the network answers, the
// loss, and how an answer is told and judged.
//
// A likelihood is a page, engine/likelihood/<name>.cpp, and a line in the table of likelihood.cpp. It answers every
// question that depends on the kind of a target; nothing has a default, so that a page that forgets an answer does not
// compile. Nowhere else is a kind of target asked for.
#pragma once

#include <climits>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/dataset.h"
#include "engine/graph/graph.h"
#include "engine/statistics/figures.h"

namespace equipoise {

/// What was fitted on one target, so that answers can be told in the data's units.
struct FittedTarget {
  const Likelihood* likelihood = nullptr;
  std::vector<std::string> columns;
  std::vector<double> mean, scale;       ///< [columns] of numbers: value * scale + mean; else empty
  std::vector<std::string> class_names;  ///< [classes] of a target of classes, rising as labels are; else empty

  bool operator==(const FittedTarget&) const = default;
};

/// What the cells of a target's columns hold.
enum class Cells { numbers, classes };

/// How many of something a target has, ends included.
struct Count {
  int least = 1, most = 1;

  bool holds(std::size_t n) const {
    return n >= static_cast<std::size_t>(least) && n <= static_cast<std::size_t>(most);
  }
};

/// One column of predictions: the name, and which told number it is, times scale plus mean.
struct AnswerColumn {
  std::string name;
  std::size_t at = 0;
  double scale = 1, mean = 0;
};

/// What is known of one task, by which told answers are judged.
struct TaskTruth {
  const Target& target;
  std::span<const float> truth;  ///< [rows, target.cols], NaN where missing
  double threshold = 0.5;        ///< from which on a row is called of the second of two classes
};

/// A network's answers of one task beside the truth.
struct TaskRows {
  const Target& target;
  std::span<const float> answer;  ///< [rows, answers] of the network
  std::span<const float> truth;   ///< [rows, target.cols], NaN where missing
};

/// Numbers that a likelihood fits besides the network, such as a baseline hazard: tensor fitted.<task>.<name>.
struct FittedNumbers {
  std::string name;
  std::vector<double> values;
};

class Likelihood {
 public:
  virtual ~Likelihood() = default;

  // In words.
  virtual std::string_view name() const = 0;     ///< in configs and files
  virtual std::string_view meaning() const = 0;  ///< for lists of likelihoods

  // The target's columns.
  virtual Count columns() const = 0;  ///< how many it reads
  virtual Cells cells() const = 0;
  virtual Count classes() const = 0;  ///< how many classes it has; {0, 0} of numbers
  /// What is wrong with a finite number in a cell, such as "is negative, and counts are not"; "" if nothing is.
  virtual std::string fault(double value) const = 0;
  virtual bool standardised() const = 0;  ///< numbers are shifted and scaled by the training rows' mean and deviation
  /// Class numbers to stratify a split by, [rows] or empty if it gives none; -1 where missing. `values` are cells,
  /// [rows, columns]: numbers, or class numbers; NaN where missing.
  virtual std::vector<int> strata(std::span<const double> values, std::size_t columns) const = 0;

  // The network.
  virtual int answers(const Target& target) const = 0;  ///< how many numbers the network answers for a row
  /// The reverse, by which a stored model's shapes tell its targets: sets columns and classes.
  virtual void size_by_answers(int answers, Target& target) const = 0;
  /// Adds the loss of `answer` [n, answers] against `target` [n, columns] to a term of Divisor::counted. The weights of
  /// its classes stand from `first_weight` on among those of the run; -1: it has none, as all numbers have.
  virtual void add_loss(Graph& graph, const Region& answer, const Region& target, int term, int first_weight) const = 0;
  virtual bool has_curvature() const = 0;  ///< the kernels know its second derivative (gradnorm's network = on)
  virtual double lower_bound() const = 0;  ///< of the loss; methods that take logarithms or ratios of losses ask
  /// The deviance of rows is this many times what their mean loss exceeds the least one by: twice the log likelihood
  /// that is lacking to a model that hits every entry (McCullagh and Nelder 1989, section 2.3).
  virtual double deviance_scale() const = 0;
  /// The mean loss of such a model over the known of these entries, NaN where missing; 0 of none.
  virtual double least_loss(std::span<const float> truth) const = 0;
  /// The loss is a sum over rows; else it needs the batch as a whole, and evaluation takes all rows at once.
  virtual bool over_rows() const = 0;

  // Answers.
  virtual int told_numbers(const Target& target) const = 0;  ///< how many numbers are told of a row
  /// What users read, [rows, told_numbers]: values, probabilities. `answer` is [rows, answers].
  virtual std::vector<double> told(const Target& target, std::span<const float> answer) const = 0;
  /// The columns of what is told, in the data's units.
  virtual std::vector<AnswerColumn> answer_columns(const FittedTarget& fitted) const = 0;
  /// Figures named <task>.<figure>, by what is told of these rows alone: it may be the mean of several models, which
  /// has no answer of a network behind it. A figure may so meet probabilities of 0 and 1, and expected counts of 0.
  virtual std::vector<Figure> figures(const TaskTruth& known, std::span<const double> told) const = 0;
  virtual bool fits() const = 0;  ///< it fits numbers besides the network
  /// What is fitted on the training rows once the network is trained.
  virtual std::vector<FittedNumbers> fit(const TaskRows& rows) const = 0;
};

/// All likelihoods, in the order in which they are listed to users.
std::span<const Likelihood* const> likelihoods();
/// By name; null if there is none.
const Likelihood* find_likelihood(std::string_view name);

// The pages.
const Likelihood& regression();
const Likelihood& binary();
const Likelihood& multiclass();
const Likelihood& count();

/// Width of the network's answer.
inline int answers_of(const Target& target) { return target.likelihood->answers(target); }
/// How many classes it has; 0 of numbers.
inline int classes_of(const Target& target) {
  return target.classes > 0 ? target.classes : target.likelihood->classes().least;
}

/// Figures and answers that targets of classes share.
namespace class_targets {
std::vector<int> strata(std::span<const double> values);
std::vector<AnswerColumn> answer_columns(const FittedTarget& fitted);
/// AUC and accuracy of probabilities, [rows, classes].
std::vector<Figure> figures(const TaskTruth& known, std::span<const double> probability, int classes);
}  // namespace class_targets

}  // namespace equipoise
