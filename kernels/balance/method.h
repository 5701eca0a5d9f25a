// kernels/balance/method.h - the balancing methods by name, their settings, and what one of them is given.
//
// A method is a page: kernels/balance/<name>.h. There are two kinds. Those that weigh losses turn losses and their own
// state into one weight a task (`Weighing`, mixing matrix diag(w)); those that change gradients turn the Gram matrix
// into a mixing matrix (`Mixing`). kernels/balance/run_chain.h runs a composition of them, left to right.
#pragma once

#include <cstdint>

#include "kernels/base/fields.h"
#include "kernels/base/fn.h"
#include "kernels/state/settings.h"

namespace equipoise {

inline constexpr int kMaxMethods = 4;  ///< of one composition

enum class MethodKind : int32_t {
  // weigh losses
  identity,
  equal,
  gradnorm,
  gradnorm_modified,
  uw,
  dwa,
  rlw,
  famo,
  // change gradients
  mgda,
  pcgrad,
  gradvac,
  cagrad,
  imtl_g,
  nsgd,
  upgrad,
  dualproj,
  aligned_mtl,
  nash_mtl,
  fairgrad,
  config,
  graddrop,  // elementwise: only as the last, inside the combine pass
};

// Every switch over MethodKind names all methods and has no default, so that the compiler names what a new one lacks.

EQ_FN constexpr bool weighs_losses(MethodKind kind) {
  switch (kind) {
    case MethodKind::identity:
    case MethodKind::equal:
    case MethodKind::gradnorm:
    case MethodKind::gradnorm_modified:
    case MethodKind::uw:
    case MethodKind::dwa:
    case MethodKind::rlw:
    case MethodKind::famo:
      return true;
    case MethodKind::mgda:
    case MethodKind::pcgrad:
    case MethodKind::gradvac:
    case MethodKind::cagrad:
    case MethodKind::imtl_g:
    case MethodKind::nsgd:
    case MethodKind::upgrad:
    case MethodKind::dualproj:
    case MethodKind::aligned_mtl:
    case MethodKind::nash_mtl:
    case MethodKind::fairgrad:
    case MethodKind::config:
    case MethodKind::graddrop:
      return false;
  }
  return false;  // no method
}

/// What a gradient is divided by before the method sees it: 1, its norm, its loss, or both.
enum class Normaliser : int32_t { none, l2, loss, loss_plus };

/// One method with its settings; fields that a method does not name in its header are not read by it.
struct Method {
  MethodKind kind = MethodKind::identity;
  Normaliser normaliser = Normaliser::none;       ///< of methods that change gradients
  int32_t state = 0;                              ///< where its state begins in the chain's, in doubles
  LossRatio loss_ratio = LossRatio::raw;          ///< gradnorm, gradnorm_modified
  Normalise renormalise = Normalise::after_step;  ///< gradnorm, gradnorm_modified
  int32_t restart = 0;                            ///< gradnorm, gradnorm_modified: Adam of the weights starts afresh
  int32_t network = 0;                            ///< gradnorm, gradnorm_modified: its loss is the network's loss too
  int32_t softmax = 0;                            ///< gradnorm, gradnorm_modified: weights are K exp(v) / sum exp(v)
  int32_t identity_order = 0;                     ///< pcgrad, gradvac: tasks visited in rising order
  int32_t update_at = 0;                          ///< nsgd: the call, from 0, whose norms are the first ones
  double alpha = 2.0;                             ///< fairgrad
  double beta = 0.5;                              ///< gradvac: weight of a new cosine in the moving average
  double c = 0.4;                                 ///< cagrad: radius, in [0, 1)
  double leak = 0.0;                              ///< graddrop, in [0, 1]
  double temperature = 2.0;                       ///< dwa
  double lr = 0.025, decay = 1e-3;                ///< famo: of the logits' Adam
  EQ_FIELDS(kind, normaliser, state, loss_ratio, renormalise, restart, network, softmax, identity_order, update_at,
            alpha, beta, c, leak, temperature, lr, decay)
};

/// Names the random draws of a step.
struct StepDraws {
  uint64_t seed;
  uint32_t replica;
  uint32_t step;
  int32_t balancer = 0;  ///< balancers of one program draw apart
};

/// What a method that weighs losses is given; arrays are by task number.
///
/// A method is asked once before the gradients are known (`norm` is null: it writes `weight` alone) and once after
/// (it writes the same `weight` again, and `next_weight` and `next`). State of zeros is fresh state.
struct Weighing {
  int32_t tasks;             ///< K
  const int32_t* present;    ///< [K] 0 where a task has no labelled row in this batch; such a task keeps its state
  const double* loss;        ///< [K]
  const double* norm;        ///< [K] norms of the gradients that reach this method, or null
  const Settings* settings;  ///< initial_weights, task_lr, alpha, beta1, beta2, eps
  StepDraws draws;
  bool epoch_begins;      ///< this is the first step of an epoch
  const double* state;    ///< this method's state, `state_doubles(method, K)` long
  double* next;           ///< the same after this step; holds a copy of `state` on entry
  double* weight;         ///< [K] written: the weights of this step
  double* next_weight;    ///< [K] written with `next`: the next step's, where known, else this step's
  double* target;         ///< [K] gradnorm's targets, for the metrics; may be null
  double* gradnorm_loss;  ///< for the metrics; may be null
};

/// What a method that changes gradients is given: only tasks that take part, i.e. that are present and whose gradient
/// is not zero, in rising order of their numbers. Mixing methods are collective: every member of the team calls them
/// with equal arguments, after a barrier; they end with a barrier.
struct Mixing {
  int32_t tasks;        ///< m, 2 <= m <= 32 (one task alone is never mixed)
  const int32_t* task;  ///< [m] their numbers; state is indexed by them
  int32_t all_tasks;    ///< K
  const double* gram;   ///< [m, m] row-major, symmetric, diagonal positive, all entries finite
  StepDraws draws;
  const double* state;  ///< this method's state, `state_doubles(method, K)` long
  double* next;         ///< the same after this step; holds a copy of `state` on entry
  double* mixing;       ///< [m, m] row-major, written: balanced gradient i = sum over j of mixing[i, j] gradient j
  double* certificate;  ///< one double; a method with a min-norm solution writes its gap, others leave it
  double* scratch;      ///< `mixing_scratch(m)` doubles, for this method alone
};

/// Doubles that every mixing method finds as scratch.
EQ_SIZE int mixing_scratch(int m) { return 6 * m * m + 24 * m + 64; }

/// Whether `need(m)`, the doubles that a method uses, stays within what every method finds. Each page asserts it.
template <class Need>
constexpr bool fits_mixing_scratch(Need need) {
  for (int m = 1; m <= kMaxTasks; ++m)
    if (need(m) > mixing_scratch(m)) return false;
  return true;
}

/// Doubles of state that a method keeps for K tasks.
EQ_FN constexpr int state_doubles(MethodKind kind, int tasks) {
  switch (kind) {
    case MethodKind::gradnorm:
    case MethodKind::gradnorm_modified:
      return 8 * tasks;  // weights or logits, two moments, their powers of beta, first loss or norm, flags
    case MethodKind::uw:
      return 5 * tasks;  // log variances, two moments, their powers of beta
    case MethodKind::dwa:
      return 4 * tasks;  // mean losses of the last two epochs, sum and count of this one
    case MethodKind::famo:
      return 5 * tasks;  // logits, two moments, last losses, losses seen
    case MethodKind::gradvac:
      return tasks * tasks;  // moving averages of the cosines
    case MethodKind::nsgd:
      return tasks + 4;  // first norms; calls
    case MethodKind::identity:
    case MethodKind::equal:
    case MethodKind::rlw:
    case MethodKind::mgda:
    case MethodKind::pcgrad:
    case MethodKind::cagrad:
    case MethodKind::imtl_g:
    case MethodKind::upgrad:
    case MethodKind::dualproj:
    case MethodKind::aligned_mtl:
    case MethodKind::nash_mtl:
    case MethodKind::fairgrad:
    case MethodKind::config:
    case MethodKind::graddrop:
      return 0;
  }
  return 0;  // no method
}

}  // namespace equipoise
