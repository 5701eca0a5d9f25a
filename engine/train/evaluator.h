// engine/train/evaluator.h - runs a trained model over rows without training it. Latents are their means and nothing is
// dropped; the rows that a VAE-GAN samples are drawn.
#pragma once

#include <span>
#include <vector>

#include "engine/base/dataset.h"
#include "engine/run/executor.h"
#include "engine/systems/evaluation.h"
#include "engine/systems/setup.h"

namespace equipoise {

/// Rows a step of every evaluation. Large enough to be quick, and the same everywhere: figures depend on it in the last
/// bits. Systems with a loss that needs the batch as a whole take all rows in one.
inline constexpr int kEvaluationBatch = 256;

/// Evaluates one part of a data set at a time.
class Evaluator {
 public:
  /// The executor must hold tables_of(system, data, split, ...) and the state of the replicas that are evaluated.
  Evaluator(const Setup& setup, const Dataset& data, int batch, Executor& executor);

  /// Evaluates row_list[first .. first + rows.size()) of the executor's tables, which must be `rows`, by every replica;
  /// `replicas` are their settings in training.
  std::vector<Evaluation> evaluate(std::span<const Settings> replicas, int first, std::span<const int> rows);
  /// The same of one replica with the setup's settings; `thresholds` as Said has them.
  Evaluation evaluate(int first, std::span<const int> rows, std::span<const double> thresholds = {});
  /// Numbers by which the model represents these rows, [rows, System::latent_names].
  std::vector<double> latents(int first, std::span<const int> rows);
  /// What the evaluation graph emits of the same rows: [output][replicas, rows, cols].
  std::vector<std::vector<float>> outputs(std::span<const Settings> replicas, int first, std::span<const int> rows);

  const Program& program() const { return program_; }

 private:
  struct Ran {
    std::vector<Control> controls;
    Emitted emitted;
  };
  Ran run(std::span<const Settings> replicas, int first, std::span<const int> rows);
  Evaluation judged(const Control& control, std::span<const int> rows, const std::vector<std::vector<float>>& outputs,
                    std::span<const double> thresholds) const;

  Setup setup_;
  const Dataset& data_;
  Executor& executor_;
  Program program_;
};

/// The executor's tables for a data set: the model's sources, labels, the rows of train, validation and test one after
/// another, and the class weights.
RunTables tables_of(const System& system, const Dataset& data, const Split& split,
                    std::span<const float> class_weights);

}  // namespace equipoise
