// engine/lower/unit_cost.h - what a unit of an operation costs a GPU, about.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/program/operation.h"

namespace equipoise {

/// Instructions that a thread issues for a unit of an operation with `batch` rows, about: estimated from the bodies,
/// for comparing operations of one phase and nothing finer. What an order by them gains, tools/gpu-model tells.
int64_t unit_cost(const Operation& operation, int batch);

/// Turns of a warp, each of 32 units of one kind: how many, and what one takes.
struct Turns {
  int64_t count = 0;
  int64_t issue = 0;       ///< instructions, as of unit_cost
  int64_t wavefronts = 0;  ///< of shared memory, so far as a product reads its operands
};
/// Of an operation on a thread block with a full batch: the second are of elements that a product's tiles leave over.
std::array<Turns, 2> block_turns(const Operation& operation, int units, int batch);

/// What a product has of its result, or null.
TileShape* tile_shape(Operation& operation);

}  // namespace equipoise
