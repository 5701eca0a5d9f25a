// kernels/ops/forms.h - the choices that operations leave to who builds a model, apart from their bodies: graphs name
// them too.
#pragma once

#include <cstdint>

namespace equipoise {

enum class Activation : int32_t { identity, relu, tanh, sigmoid };

enum class TargetForm : int32_t { squared, logistic, poisson };  ///< of a loss against targets

/// What a term's sum is divided by: rows of the batch, weight of its labels, labelled entries of its targets, or 1 (the
/// term is a sum over the batch).
enum class Divisor : int32_t { rows, label_weight, counted, none };
enum class TaskForm : int32_t { sum, ratio, difference };  ///< how a task's loss is made of its terms
inline constexpr int kMaxTaskTerms = 7;

}  // namespace equipoise
