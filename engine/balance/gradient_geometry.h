// engine/balance/gradient_geometry.h - what gradients are to each other before any method: their Gram matrix, and the
// shortest convex combination of them, whose length says how near they are to Pareto stationarity.
//
// Computed by kernels/run/gram_batch.h and min_norm_batch.h, on host threads or by their CUDA kernels, with equal bits.
// Source: Desideri 2012, "Multiple-gradient descent algorithm", theorem 2.2 (the min-norm point is zero at
// Pareto-stationary points, and else a step against it lowers every loss).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace equipoise {

/// Matrices are row-major.
struct GradientGeometry {
  std::vector<double> gram;           ///< [K, K] J J^T
  std::vector<double> convex;         ///< [K] weights of the shortest convex combination; zero gradients have none
  double shortest = 0;                ///< its length; 0 where every gradient is zero
  std::optional<double> certificate;  ///< gap that proves it, at most 1e-12; none where every gradient is zero
};

/// Of K finite gradients [K, D]; K in [1, kMaxTasks], D >= 1. `cuda_device`: a CUDA device's number, none: the CPU.
/// Throws Error(device) if that device is absent or fails.
GradientGeometry gradient_geometry(std::span<const float> gradients, int tasks, int64_t columns,
                                   std::optional<int> cuda_device = std::nullopt);

}  // namespace equipoise
