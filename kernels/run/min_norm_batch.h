// kernels/run/min_norm_batch.h - the shortest convex combinations of many sets of gradients, on host threads or a CUDA
// device. No CUDA type appears here.
//
// Each problem is solved by kernels/balance/solve/min_norm.h: by one host thread, or by a warp of a device, whose
// tableaus lie in shared memory. No problem waits for another, and each has the bits it has alone, on either. Floor: 8
// K (K + 1) bytes a problem; what is left of the time are the pivots, one after another.
#pragma once

#include <cstdint>

namespace equipoise {

struct MinNormBatch {
  int64_t problems;    // R >= 0
  int32_t tasks;       // K in [1, kMaxTasks]
  const double* gram;  // [R, K, K] symmetric, finite, diagonal positive
  double* weights;     // [R, K] written: w
  double* values;      // [R] written: w'Gw
  double* gaps;        // [R] written: the gap that proves it (kernels/balance/solve/min_norm.h)
};

/// Throws std::invalid_argument if a size is out of the range that MinNormBatch states.
void check_min_norm_batch(const MinNormBatch& batch);

/// Doubles of scratch that a problem of so many tasks is solved in.
int min_norm_batch_scratch(int tasks);

/// How a device runs it: warps of a block, as many as find their scratch in what a block has of shared memory without
/// asking for more; blocks; and the block's scratch.
inline constexpr int kMinNormWarps = 4;
struct MinNormShape {
  int warps;
  int64_t blocks;
  int scratch_bytes;
};
MinNormShape min_norm_shape(const MinNormBatch& batch);

/// Solves all problems on `threads` host threads; their number changes no bit.
void min_norm_batch_cpu(const MinNormBatch& batch, int threads);

/// The same bits on a device, all pointers on it. Returns when the work is queued on the default stream; what fails
/// while it runs is thrown by a later call. Throws DeviceError.
void min_norm_batch_device(int device, const MinNormBatch& batch);

}  // namespace equipoise
