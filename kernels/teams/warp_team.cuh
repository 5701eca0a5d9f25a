// kernels/teams/warp_team.cuh - a warp as a team. GPU only; its twin on the CPU is Solo (kernels/base/team.h).
#pragma once

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

}  // namespace equipoise
