// kernels/run/min_norm_batch.cu - the min-norm problems of kernels/run/min_norm_batch.h on a CUDA device: a warp per problem.
#include "kernels/balance/solve/min_norm.h"
#include "kernels/teams/block_team.cuh"
#include "kernels/state/settings.h"
#include "kernels/run/cuda_check.cuh"
#include "kernels/run/min_norm_batch.h"

namespace equipoise {

namespace {

extern __shared__ double scratch[];

__global__ void __launch_bounds__(32 * kMinNormWarps) solve(const __grid_constant__ MinNormBatch batch, int warp_doubles) {
  const WarpTeam warp;
  const int64_t k = batch.tasks, warps = blockDim.x / 32, mine = threadIdx.x / 32;
  for (int64_t r = blockIdx.x * warps + mine; r < batch.problems; r += gridDim.x * warps) {
    const MinNorm solved =
        min_norm(warp, batch.tasks, batch.gram + r * k * k, batch.weights + r * k, scratch + mine * warp_doubles);
    if (warp.thread_rank() != 0) continue;
    batch.values[r] = solved.value;
    batch.gaps[r] = solved.gap;
  }
}

}  // namespace

void min_norm_batch_device(int device, const MinNormBatch& batch) {
  check_min_norm_batch(batch);
  EQ_CUDA(cudaSetDevice(device));
  if (batch.problems == 0) return;
  const MinNormShape shape = min_norm_shape(batch);
  solve<<<static_cast<unsigned>(shape.blocks), 32 * shape.warps, shape.scratch_bytes>>>(
      batch, min_norm_batch_scratch(batch.tasks));
  EQ_CUDA(cudaGetLastError());
}

}  // namespace equipoise
