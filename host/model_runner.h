// host/model_runner.h - a model file at work on prepared data.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/evaluation.h"
#include "engine/safetensors.h"
#include "host/prepared_data.h"

namespace equipoise {

enum class Part { train, validation, test };

const char* part_name(Part part);
/// Rows of a part, rising.
const std::vector<int>& rows_of(const Split& split, Part part);

/// Holds the executor's tables and state while it lives; keeps references to `prepared` and `executor`.
class ModelRunner {
 public:
  /// Throws Error(checkpoint) if the model is not one of these data: other columns or classes.
  ModelRunner(const TensorFile& model, const PreparedData& prepared, std::span<const float> class_weights,
              Executor& executor);

  /// Figures of a part that has rows.
  Evaluation evaluate(Part part);
  const Program& program() const { return evaluator_.program(); }
  int classes() const { return setup_.model.classes; }

 private:
  const PreparedData& prepared_;
  MldrlSetup setup_;
  Evaluator evaluator_;
};

/// Writes what the model says of every patient: id, fold, seed, label (as the data name it; empty where unlabelled),
/// and the probability of class 1, or of each class where there are more than two.
void write_predictions(const std::filesystem::path& path, ModelRunner& runner, const PreparedData& prepared,
                       uint64_t seed);

}  // namespace equipoise
