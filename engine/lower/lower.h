// engine/lower/lower.h - from a model's graph to a program: forward, losses, backward, balancing, update.
//
// Backward is derived with one adjoint lane per task. A tensor that depends on balanced parameters carries the gradient
// of every task that it reaches in a lane of its own; any other tensor that several tasks reach carries one merged
// lane, already weighted; one that a single task reaches carries that task's lane. So shared parameters get K
// gradients, private ones one, and nothing is computed K times that need not be. Where the coefficients of the tasks
// come from their gradients, everything merged waits for them: the backward pass is cut in two by the balancing.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/lower/program.h"
#include "kernels/balance/chain.h"

namespace equipoise {

/// Memory a plan may use.
struct PlanLimits {
  int64_t fast_floats = INT64_MAX / 8;  ///< shared memory of a block, or no limit on a CPU
  bool resident_parameters = false;     ///< copy parameters to fast memory for the length of a launch, where they fit
  /// Of a program whose launches this one shares: parameters lie in fast memory where they lie there, and nowhere else,
  /// whatever resident_parameters says. Read by lower() alone; null: none.
  const ProgramCode* beside = nullptr;
};

/// One place where gradients are balanced, and the methods that do it. Several balancers of one program stand each at a
/// tensor, none of which depends on another's; the first one's coefficients also hold wherever else losses meet.
struct Balancer {
  Chain chain{};              ///< no methods: control.shared_weights stay as they are
  std::vector<Stretch> over;  ///< parameters whose K gradients are measured; empty: none
  bool over_shared = false;   ///< measured over all parameters that several tasks reach
  Region at{};                ///< or, if it names a tensor, over the gradients by some of its blocks (MGDA-UB)
  bool sum_rows = false;      ///< of `at`: summed over the batch, [K, blocks * cols]; else [K, rows * cols]
};

struct LowerOptions {
  int batch = 32;
  bool shuffle = true;              ///< batches in permuted order; else in the order of the row list
  bool trains = true;               ///< false: forward and losses only, emitting the graph's outputs
  std::vector<Balancer> balancers;  ///< none: control.shared_weights stay as they are, nothing is measured
  OptimizerKind optimizer = OptimizerKind::adam;
  float loss_scale = 1.0f;  ///< total loss = loss_scale * sum of coefficient * loss
  bool probe = false;       ///< one lane per task everywhere, nothing updated, every tensor kept readable
  PlanLimits limits;
};

Program lower(const Graph& graph, const LowerOptions& options);

/// Floats of the graph's parameters, padding included; moments lie one and two times as far behind them.
int64_t parameter_floats(const Graph& graph);

}  // namespace equipoise
