// engine/lower/unit_cost.h - what a unit of an operation costs a GPU, about.
#pragma once

#include <cstdint>

#include "kernels/program/operation.h"

namespace equipoise {

/// Instructions that a thread issues for a unit of an operation with `batch` rows, about: estimated from the bodies,
/// for comparing operations of one phase and nothing finer. What an order by them gains, tools/gpu-model tells.
int64_t unit_cost(const Operation& operation, int batch);

/// Wavefronts of shared memory that a warp's tiles of a product take; 0 of any other operation.
int64_t tile_wavefronts(const Operation& operation, int batch);

}  // namespace equipoise
