// engine/balance/balance_problem.h - one step of a composition of methods on given gradients, without a model.
//
// Methods that carry state over steps have none here, so one step means:
//   gradnorm, gradnorm_modified, uw   the weights after one update from their first ones (1; uw: 1/2), which the given
//                                     losses and gradients make; L(0) are the initial losses, |g(0)| the given norms
//   famo                              likewise, the update being made by the fall from the initial losses to the losses
//   dwa                               the initial losses and the losses are the means of the last two epochs
//   gradvac, nsgd                     a first call: averages of zero, first norms are the given ones
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/balance/gradient_geometry.h"
#include "engine/files/safetensors.h"
#include "kernels/state/settings.h"

namespace equipoise {

struct Chain;  // kernels/balance/chain.h

struct BalanceProblem {
  int tasks = 0;                            ///< K
  int64_t columns = 0;                      ///< D
  std::vector<float> gradients;             ///< [K, D]
  int exponent = 0;                         ///< the tasks' gradients are 2^exponent times these
  std::vector<double> losses = {};          ///< [K]; empty: ones
  std::vector<double> initial_losses = {};  ///< [K]; empty: ones
  std::vector<float> input = {};  ///< [D] of GradDrop: the representation; empty: signs are the gradients' own
  std::vector<float> draws = {};  ///< [D] of GradDrop: uniform on [0, 1]; empty: drawn with the seed
  uint64_t seed = 1;
};

/// Matrices are row-major. All of it is of the gradients themselves, whatever power of two they are held by.
struct BalanceResult {
  GradientGeometry geometry;                     ///< of the gradients as they are given
  std::vector<double> norms;                     ///< [K] |g_i|
  std::vector<double> mixing;                    ///< [K, K] C; GradDrop acts on C J
  std::vector<double> weights;                   ///< [K] sums of C's columns: coefficients of the gradients in 1^T C J
  double step_norm = 0;                          ///< of `step`
  std::vector<double> gains;                     ///< [K] step . g_i: negative where the step raises the task's loss
  double certificate = -1;                       ///< gap of the min-norm solution; -1 where no method has one
  std::vector<float> balanced;                   ///< [K, D] C J, after GradDrop if that is the last method
  std::vector<float> step;                       ///< [D] sum of the balanced rows, rounded once
  std::vector<double> wide_balanced, wide_step;  ///< instead of the two above where the problem has an exponent
};

/// One step. Of the settings it reads task_lr, alpha, beta1, beta2 and eps. Throws Error(data) for a problem that is
/// none: sizes that disagree, gradients or losses that are not finite, draws outside [0, 1]. `cuda_device` is where the
/// geometry is measured (none: the CPU) and changes no bit; Error(device) if it is absent or fails.
BalanceResult balance(const BalanceProblem& problem, const Chain& chain, const Settings& settings,
                      std::optional<int> cuda_device = std::nullopt);

/// A tensor's values as float32, as the engine's gradients are: float64 is rounded, whole numbers must be exact. Throws
/// Error(data) naming `what` and the place for a value that is not finite, beyond float32's range, or a whole number
/// that float32 would round.
std::vector<float> finite_floats(const StoredTensor& tensor, const std::string& what);

}  // namespace equipoise
