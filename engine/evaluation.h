// engine/evaluation.h - what a trained MLDRL model says about some rows: probabilities, reconstructions, losses and the
// figures of a classifier. Latents are their means; nothing random takes part.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/dataset.h"
#include "engine/executor.h"
#include "engine/mldrl_setup.h"

namespace equipoise {

struct Evaluation {
  int rows = 0, labelled = 0;
  std::vector<double> probability;  ///< [rows, classes]
  std::vector<double> terms;        ///< mean loss terms over the rows, as the model names them
  std::vector<double> losses;       ///< mean task losses, batch by batch weighted by rows (labels for classification)
  double reconstruction_error[2];   ///< mean squared error of each view's own reconstruction
  double crossed_error[2];          ///< and of the crossed one
  double auc, accuracy, sensitivity, specificity;  ///< NaN where undefined; the last two for two classes, at 1/2
};

/// Rows a step of every evaluation. Large enough to be quick, and the same everywhere: figures depend on it in the last
/// bits.
inline constexpr int kEvaluationBatch = 256;

/// Evaluates one part of a data set at a time.
class Evaluator {
 public:
  /// The executor must hold tables_of(data, split, ...) and the state of one replica.
  Evaluator(const MldrlSetup& setup, const Dataset& data, int batch, Executor& executor);

  /// Evaluates row_list[first .. first + rows.size()) of the executor's tables, which must be `rows`.
  Evaluation evaluate(int first, std::span<const int> rows);

  const Program& program() const { return program_; }

 private:
  double mean_error(const std::vector<float>& output, std::span<const int> rows, std::size_t view) const;

  MldrlSetup setup_;
  const Dataset& data_;
  Executor& executor_;
  Program program_;
};

/// The executor's tables for a data set: both views, labels, the rows of train, validation and test one after another,
/// and one weight per class.
RunTables tables_of(const Dataset& data, const Split& split, std::span<const float> class_weights);

}  // namespace equipoise
