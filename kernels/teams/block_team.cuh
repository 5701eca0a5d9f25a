// kernels/teams/block_team.cuh - a CUDA thread block, and a warp of it, as teams. GPU only; their twins on the CPU are in kernels/teams/host_team.h.
#pragma once

#include <cooperative_groups.h>

#include "kernels/base/team.h"
#include "kernels/product/thread_tiles.h"

namespace equipoise {

/// The 32 threads of the calling thread's warp.
class WarpTeam : public Cut<ThreadTiles, 1> {
 public:
  __device__ int thread_rank() const { return static_cast<int>(threadIdx.x % 32); }
  __device__ int size() const { return 32; }
  __device__ void sync() const { __syncwarp(); }
};

class BlockTeam : public Cut<ThreadTiles, 1> {
 public:
  using Warp = WarpTeam;
  using Block = BlockTeam;
  __device__ int thread_rank() const { return static_cast<int>(threadIdx.x); }
  __device__ int size() const { return static_cast<int>(blockDim.x); }
  __device__ void sync() const { cooperative_groups::this_thread_block().sync(); }
};

}  // namespace equipoise
