// host/run/model_runner.h - a model file at work on rows.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/files/safetensors.h"
#include "engine/train/evaluator.h"
#include "host/run/prepared_data.h"

namespace equipoise {

const char* part_name(Part part);

/// Holds the executor's tables and state while it lives; keeps references to data, split and executor.
class ModelRunner {
 public:
  /// Throws Error(checkpoint) if the model does not fit the data: other columns, classes or tasks.
  ModelRunner(const TensorFile& model, const Dataset& data, const Split& split, Executor& executor);

  /// Figures of a part that has rows, at the given thresholds of its decisions ({}: 1/2).
  Evaluation evaluate(Part part, std::span<const double> thresholds = {});
  /// Numbers by which the model represents a part's rows, [rows, System::latent_names].
  std::vector<double> latents(Part part);
  const Program& program() const { return evaluator_.program(); }
  const System& system() const { return *setup_.system; }

 private:
  const Split& split_;
  Setup setup_;
  Evaluator evaluator_;
};

}  // namespace equipoise
