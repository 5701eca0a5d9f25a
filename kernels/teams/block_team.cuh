// kernels/teams/block_team.cuh - a CUDA thread block as a team. GPU only; its twin on the CPU is in
// kernels/teams/host_team.h.
#pragma once

#include <cooperative_groups.h>

#include "kernels/teams/warp_team.cuh"

namespace equipoise {

class BlockTeam : public Cut<ThreadTiles, 1> {
 public:
  using Warp = WarpTeam;
  using Block = BlockTeam;
  __device__ int thread_rank() const { return static_cast<int>(threadIdx.x); }
  __device__ int size() const { return static_cast<int>(blockDim.x); }
  __device__ void sync() const { cooperative_groups::this_thread_block().sync(); }
};

}  // namespace equipoise
