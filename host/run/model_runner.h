// host/run/model_runner.h - a model file at work on prepared data.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/files/safetensors.h"
#include "engine/train/evaluator.h"
#include "engine/train/trainer.h"
#include "host/run/prepared_data.h"

namespace equipoise {

enum class Part { train, validation, test };

const char* part_name(Part part);
/// Rows of a part, rising.
const std::vector<int>& rows_of(const Split& split, Part part);

/// Holds the executor's tables and state while it lives; keeps references to `prepared` and `executor`.
class ModelRunner {
 public:
  /// Throws Error(checkpoint) if the model is not one of the plan, which the data gave: other columns, classes or
  /// tasks.
  ModelRunner(const TensorFile& model, const PreparedData& prepared, const TrainingPlan& plan, Executor& executor);

  /// Figures of a part that has rows.
  Evaluation evaluate(Part part);
  const Program& program() const { return evaluator_.program(); }
  const System& system() const { return *setup_.system; }

 private:
  const PreparedData& prepared_;
  Setup setup_;
  Evaluator evaluator_;
};

/// Writes what the model says of every row: id, fold, seed, and
/// of MLDRL the label (as the data name it; empty where unlabelled) and the probability of class 1, or of each class
/// where there are more than two; of multi-task networks each regression in the data's units and each class's
/// probability; of VAE-GAN the latent means.
void write_predictions(const std::filesystem::path& path, ModelRunner& runner, const PreparedData& prepared,
                       uint64_t seed);

}  // namespace equipoise
