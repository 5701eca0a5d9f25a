// kernels/block_team.cuh - a CUDA thread block as a team. GPU only; its twin on the CPU is kernels/host_team.h.
#pragma once

#include <cooperative_groups.h>

#include "kernels/team.h"
#include "kernels/thread_tiles.h"

namespace equipoise {

class BlockTeam : public Cut<ThreadTiles, 1> {
 public:
  __device__ int thread_rank() const { return static_cast<int>(threadIdx.x); }
  __device__ int size() const { return static_cast<int>(blockDim.x); }
  __device__ void sync() const { cooperative_groups::this_thread_block().sync(); }
};

}  // namespace equipoise
