// engine/lower.h - from a model's graph to a program: forward, losses, backward, balancing, update.
//
// Backward is derived with one adjoint lane per task. A tensor that depends on balanced parameters carries the gradient
// of every task that it reaches in a lane of its own; any other tensor that several tasks reach carries one merged
// lane, already weighted; one that a single task reaches carries that task's lane. So shared parameters get K
// gradients, private ones one, and nothing is computed K times that need not be.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/graph.h"
#include "engine/program.h"

namespace equipoise {

/// Memory a plan may use.
struct PlanLimits {
  int64_t fast_floats = INT64_MAX / 8;  ///< shared memory of a block, or no limit on a CPU
  bool resident_parameters = false;     ///< copy parameters to fast memory for the length of a launch, where they fit
};

struct LowerOptions {
  int batch = 32;
  bool shuffle = true;                ///< batches in permuted order; else in the order of the row list
  bool trains = true;                 ///< false: forward and losses only, emitting the graph's outputs
  std::vector<Stretch> balance_over;  ///< parameters whose K gradients are measured; empty: none
  bool gradnorm = false;              ///< adjust task weights by GradNorm on balance_over
  LossRatio loss_ratio = LossRatio::raw;
  Normalise normalise = Normalise::after_step;
  float loss_scale = 1.0f;  ///< total loss = loss_scale * sum of weight * loss
  bool probe = false;       ///< one lane per task everywhere, nothing updated, every tensor kept readable
  PlanLimits limits;
};

Program lower(const Graph& graph, const LowerOptions& options);

/// Floats of a replica's state for this graph; the same for every program lowered from it.
int64_t state_floats(const Graph& graph);

}  // namespace equipoise
