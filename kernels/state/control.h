// kernels/state/control.h - the state of one replica's training besides its parameters, which every step updates. All
// K-long state is float64.
#pragma once

#include <cstdint>

#include "kernels/state/settings.h"

namespace equipoise {

inline constexpr int kMaxTerms = 48;
inline constexpr int kMaxBalancers = 6;  ///< of one program; balancers * tasks <= kMaxTasks

enum class Status : int32_t { running, stopped, frozen };  ///< stopped and frozen replicas do no further step
enum class BadKind : int32_t { none, loss, gradient };     ///< what was non-finite first

/// Where no method has a min-norm solution. A true gap may lie below zero by rounding.
inline constexpr double kNoCertificate = -1.0;

/// State of one replica's training. `this step` values are overwritten by each step.
struct Control {
  // progress
  int64_t step;      // steps done
  int32_t epoch;     // epochs done
  int32_t position;  // samples of the epoch done
  Status status;
  int32_t skipped;   // steps whose update was left out because of a non-finite value
  int64_t bad_step;  // first step with a non-finite value, counted from 0
  BadKind bad_kind;
  int32_t bad_index;  // task of the loss, or gradient block

  // optimizer state; that of the balancing methods lies with the moments (kernels/ops/balance_step.h)
  double beta1_power, beta2_power;  // beta^t of the network's Adam
  double weights[kMaxTasks];        // [balancers, K] task weights of the next step, so far as known before it

  // this step
  double shared_weights[kMaxTasks];    // [balancers, K] coefficient of each task's gradient by shared parameters
  double private_weights[kMaxTasks];   // [balancers, K] and by parameters that it has for itself
  double terms[kMaxTerms];             // loss terms
  double term_slope[kMaxTerms];        // d (task loss) / d (term)
  double term_rows[kMaxTerms];         // what the term is a mean over: rows, label weight or labelled entries
  double losses[kMaxTasks];            // task losses
  double task_rows[kMaxTasks];         // term_rows of the task's first term
  int32_t present[kMaxTasks];          // 0 where a task has no labelled row in the batch
  double gram[kMaxTasks * kMaxTasks];  // [balancers, K, K] of what each balances, unweighted gradients
  double norms[kMaxTasks];             // [balancers, K] norm of coefficient times gradient
  double targets[kMaxTasks];           // [balancers, K] GradNorm targets
  double gradnorm_loss[kMaxBalancers];
  double step_norm[kMaxBalancers];    // of the combined gradient of what it balances (before GradDrop, if there is one)
  double certificate[kMaxBalancers];  // gap of the min-norm solution, or kNoCertificate
  double gradient_norm;               // global norm of the total gradient
  double label_weight;                // sum of class weights over the batch's labelled rows
  int32_t finite;                     // 1 if this step may update anything

  // sums over the epoch so far
  double sum_steps;
  double sum_terms[kMaxTerms], sum_term_rows[kMaxTerms];   // terms times their rows, and those rows
  double sum_losses[kMaxTasks], sum_task_rows[kMaxTasks];  // likewise
  double sum_norms[kMaxTasks];                             // [balancers, K] per step
  double sum_gram[kMaxTasks * kMaxTasks];                  // [balancers, K, K]
  double sum_gradient_norm, sum_step_norm[kMaxBalancers];
  double worst_certificate[kMaxBalancers];  // largest of the epoch's steps, or kNoCertificate
};

}  // namespace equipoise
