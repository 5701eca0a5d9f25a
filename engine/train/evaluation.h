// engine/train/evaluation.h - what a trained model says about some rows: its answers, its losses, and the figures that
// its system is judged by. Latents are their means and nothing is dropped; the rows that a VAE-GAN samples are drawn.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/base/dataset.h"
#include "engine/run/executor.h"
#include "engine/systems/setup.h"

namespace equipoise {

/// A figure by name: one value, or one for each of several parts (such as two views).
struct Figure {
  std::string name;
  std::vector<double> values;  ///< NaN where undefined
};

struct Evaluation {
  int rows = 0;
  int labelled = 0;             ///< rows with a label, or with a target of some task
  std::vector<double> terms;    ///< mean loss terms over the rows, as the model names them
  std::vector<double> losses;   ///< mean task losses, batch by batch, each weighted by what it is a mean over
  std::vector<double> counts;   ///< [tasks] rows, label weight or labelled entries that a loss is a mean over
  std::vector<double> answers;  ///< [rows, answer_cols] what predictions are made of: probabilities or values
  int answer_cols = 0;
  std::vector<Figure> figures;

  /// The first value of a figure; NaN if there is none of that name.
  double figure(const std::string& name) const;
};

/// Rows a step of every evaluation. Large enough to be quick, and the same everywhere: figures depend on it in the last
/// bits.
inline constexpr int kEvaluationBatch = 256;

/// Evaluates one part of a data set at a time.
class Evaluator {
 public:
  /// The executor must hold tables_of(model, data, split, ...) and the state of one replica.
  Evaluator(const Setup& setup, const Dataset& data, int batch, Executor& executor);

  /// Evaluates row_list[first .. first + rows.size()) of the executor's tables, which must be `rows`.
  Evaluation evaluate(int first, std::span<const int> rows);

  const Program& program() const { return program_; }

 private:
  Setup setup_;
  const Dataset& data_;
  Executor& executor_;
  Program program_;
};

/// The executor's tables for a data set: the model's sources, labels, the rows of train, validation and test one after
/// another, and one weight per class.
RunTables tables_of(const Model& model, const Dataset& data, const Split& split, std::span<const float> class_weights);

/// What figures are made from.
struct Said {
  const Dataset& data;
  std::span<const int> rows;                       ///< row numbers
  const std::vector<std::vector<float>>& outputs;  ///< [output][rows, cols] that the evaluation graph emits
};

/// Fills answers, labelled and figures; terms and losses are there already.
void judge(const MldrlModel& model, const Said& said, Evaluation& to);
void judge(const MtlModel& model, const Said& said, Evaluation& to);
void judge(const VaeganModel& model, const Said& said, Evaluation& to);

/// Mean over rows and columns of (output - view)^2.
double mean_squared_error(const Said& said, const std::vector<float>& output, std::size_t view);
/// Share of the rows with a label whose largest probability is that of their class. `probability` is [rows, classes].
double accuracy_of(std::span<const double> probability, std::span<const int> label, int classes);
/// exp(x) / sum exp(x) of each row, in double.
std::vector<double> softmax_rows(std::span<const float> logits, int classes);

}  // namespace equipoise
