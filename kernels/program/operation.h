// kernels/program/operation.h - one operation of a program as plain data: a tag and the operation's own struct.
// To add a kernel: write its header, add its line to EQ_OPERATIONS, and let a builder in engine/ emit it.
#pragma once

#include "kernels/ops/adam.h"
#include "kernels/ops/adam_factors.h"
#include "kernels/ops/adversarial.h"
#include "kernels/ops/balance_step.h"
#include "kernels/ops/close_step.h"
#include "kernels/ops/cross_entropy.h"
#include "kernels/ops/dropout.h"
#include "kernels/ops/emit.h"
#include "kernels/ops/graddrop_combine.h"
#include "kernels/ops/gradient_norm.h"
#include "kernels/ops/gram.h"
#include "kernels/ops/inherent_variational.h"
#include "kernels/ops/join.h"
#include "kernels/ops/latent.h"
#include "kernels/ops/linear.h"
#include "kernels/ops/noise.h"
#include "kernels/ops/norm_curvature.h"
#include "kernels/ops/rmsprop.h"
#include "kernels/ops/row_sums.h"
#include "kernels/ops/rows.h"
#include "kernels/ops/sgd.h"
#include "kernels/ops/softmax.h"
#include "kernels/ops/squared_error.h"
#include "kernels/ops/sum_views.h"
#include "kernels/ops/target_loss.h"
#include "kernels/ops/task_loss.h"

// X(tag, Struct)
#define EQ_OPERATIONS(X)                                        \
  X(choose_rows, ChooseRows)                                    \
  X(label_weight, LabelWeight)                                  \
  X(gather, Gather)                                             \
  X(emit, Emit)                                                 \
  X(draw_noise, DrawNoise)                                      \
  X(draw_mask, DrawMask)                                        \
  X(multiply, Multiply)                                         \
  X(linear, Linear)                                             \
  X(linear_input_gradient, LinearInputGradient)                 \
  X(linear_weight_gradient, LinearWeightGradient)               \
  X(activation_gradient, ActivationGradient)                    \
  X(latent, Latent)                                             \
  X(latent_gradient, LatentGradient)                            \
  X(sum_views, SumViews)                                        \
  X(squared_error, SquaredError)                                \
  X(softmax, Softmax)                                           \
  X(softmax_gradient, SoftmaxGradient)                          \
  X(cross_entropy, CrossEntropy)                                \
  X(count_targets, CountTargets)                                \
  X(target_loss, TargetLoss)                                    \
  X(target_cross_entropy, TargetCrossEntropy)                   \
  X(adversarial, Adversarial)                                   \
  X(target_curvature, TargetCurvature)                          \
  X(curvature_weights, CurvatureWeights)                        \
  X(inherent_variational, InherentVariational)                  \
  X(inherent_variational_gradient, InherentVariationalGradient) \
  X(join, Join)                                                 \
  X(task_loss, TaskLoss)                                        \
  X(row_sums, RowSums)                                          \
  X(gram_slots, GramSlots)                                      \
  X(gram_rows, GramRows)                                        \
  X(gram_close, GramClose)                                      \
  X(gradient_squares, GradientSquares)                          \
  X(finite_gate, FiniteGate)                                    \
  X(weigh, Weigh)                                               \
  X(balance, Balance)                                           \
  X(commit_balance, CommitBalance)                              \
  X(graddrop_parameters, GradDropParameters)                    \
  X(graddrop_rows, GradDropRows)                                \
  X(adam_factors, AdamFactors)                                  \
  X(adam, Adam)                                                 \
  X(rms_prop, RmsProp)                                          \
  X(sgd, Sgd)                                                   \
  X(close_step, CloseStep)

namespace equipoise {

enum class OperationKind : int32_t {
#define EQ_TAG(tag, Struct) tag,
  EQ_OPERATIONS(EQ_TAG)
#undef EQ_TAG
};

struct Operation {
  OperationKind kind;
  int32_t first_unit;  // where its units begin in the phase: spreads a phase over the team
  int32_t turns;  // of a warp of 32 threads, that its units take with a full batch: the next one begins behind them
  int32_t next_turns;  // of the next operation of the phase: who passes by an operation has read no more of it
  union {
#define EQ_MEMBER(tag, Struct) Struct tag;
    EQ_OPERATIONS(EQ_MEMBER)
#undef EQ_MEMBER
  };
};

/// The operation of a struct; `first_unit` and the turns are set when phases are laid out.
#define EQ_MAKE(tag_name, Struct)                                  \
  inline Operation operation(const Struct& body) {                 \
    Operation o{OperationKind::tag_name, 0, 0, 0, {ChooseRows{}}}; \
    o.tag_name = body;                                             \
    return o;                                                      \
  }
EQ_OPERATIONS(EQ_MAKE)
#undef EQ_MAKE

/// Name of an operation's kind, as printed by --dry-run.
inline const char* operation_name(OperationKind kind) {
  switch (kind) {
#define EQ_NAME(tag, Struct) \
  case OperationKind::tag:   \
    return #tag;
    EQ_OPERATIONS(EQ_NAME)
#undef EQ_NAME
  }
  return "?";
}

}  // namespace equipoise
