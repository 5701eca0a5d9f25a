// host/run/outcome.h - what a user should know of a training that has ended: that it failed, or what makes its model
// doubtful.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/files/safetensors.h"
#include "engine/systems/evaluation.h"
#include "engine/train/trainer.h"

namespace equipoise {

/// The first parameter of the model or of the last state that holds a value that is not finite; "" if none does.
std::string nonfinite_parameter(const Trainer& trainer, const TensorFile& model);

/// Whether the model has figures of classes, by which warnings_of judges it.
bool has_class_figures(const System& system);

/// Such figures of the model that is kept, of the rows that there are; empty without.
struct Judged {
  Evaluation train;
  std::optional<Evaluation> validation;
};

/// Sentences, each with what to change:
///   - the kept epoch's training loss is no better than that of the first, or the loss never fell by more than its
///     noise (engine/train/learning.h), or the best epoch is the first while the loss fell afterwards, or an AUC of the
///     training rows is below .6: the model may be untrained
///   - a loss of the last epoch is more than a hundred times that of the first
///   - more than half of the steps were left out
///   - all labelled validation rows are told one class.
std::vector<std::string> warnings_of(const Trainer& trainer, const Judged& judged);

}  // namespace equipoise
