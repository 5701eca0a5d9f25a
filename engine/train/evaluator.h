// engine/train/evaluator.h - runs trained models over rows without training them. Latents are their means and nothing
// is dropped; the rows that a VAE-GAN samples are drawn.
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

/// What a replica is evaluated on: row_list[first .. first + rows.size()) of the executor's tables, which must be
/// `rows`. Without rows it rests.
struct EvaluatedRows {
  int first = 0;
  std::span<const int> rows = {};
};

/// Who judges a replica's answers, and by which thresholds (as Said has them).
struct Judge {
  const System& system;
  const Dataset& data;
  std::span<const double> thresholds = {};
};

/// The graph for evaluation, lowered and known to fit into memory.
Program evaluation_program(const Setup& setup, int batch, const PlanLimits& limits);

/// Figures of rows that such a program was run over, from the control that it left and what it emitted of them.
Evaluation judged_evaluation(const Program& program, const Control& control, std::span<const int> rows,
                             const std::vector<std::vector<float>>& outputs, const Judge& by);

/// What was emitted of some rows of one block: [output][rows, cols]; `block` counts replicas, or whatever there is.
std::vector<std::vector<float>> emitted_rows(const Program& program, const Emitted& emitted, std::size_t block,
                                             std::size_t rows);

/// Evaluates one part of a data set at a time, or a part of each replica's own.
class Evaluator {
 public:
  /// The executor must hold tables_of(system, data, split, ...) and the state of the replicas that are evaluated.
  Evaluator(const Setup& setup, const Dataset& data, int batch, Executor& executor);

  /// What the evaluation graph makes of the rows of each replica.
  struct Ran {
    std::vector<Control> controls;  ///< [replicas]
    std::vector<EvaluatedRows> of;  ///< [replicas]
    Emitted emitted;                ///< as many rows of each replica as the one with most has
  };
  /// `replicas` are their settings in training; `of` has as many.
  /// It is valid until the next run.
  const Ran& run(std::span<const Settings> replicas, std::vector<EvaluatedRows> of);
  /// Figures of a replica that had rows.
  Evaluation judged(const Ran& ran, std::size_t replica, const Judge& by) const;
  /// What was emitted of a replica: [output][rows, cols].
  std::vector<std::vector<float>> outputs(const Ran& ran, std::size_t replica) const;

  // Of one replica with the setup's settings and the data set that the evaluator was made for.
  Evaluation evaluate(int first, std::span<const int> rows, std::span<const double> thresholds = {});
  /// Numbers by which the model represents these rows, [rows, System::latent_names].
  std::vector<double> latents(int first, std::span<const int> rows);

  const Program& program() const { return program_; }

 private:
  Setup setup_;
  const Dataset& data_;
  Executor& executor_;
  Program program_;
  Ran ran_;  // kept, as making its memory anew for many replicas takes longer than judging them
};

/// The executor's tables for a data set: the model's sources, labels, the rows of train, validation and test one after
/// another, and the class weights.
RunTables tables_of(const System& system, const Dataset& data, const Split& split,
                    std::span<const float> class_weights);

}  // namespace equipoise
