// kernels/run/generated.cuh - what code made for one program (engine/generate) is written with: the block it runs on,
// how a phase runs an operation that is a constant, and the kernel. GPU only; the interpreter gives the same bits.
//
// Made code has a function a phase, which is not inlined, so that its registers are its own; what it is given it knows
// when it is compiled. Its Steps are those of kernels/run/replica.h.
#pragma once

#define EQ_MADE_CODE

#include "kernels/program/operation.h"
#include "kernels/run/replica.h"
#include "kernels/teams/warp_team.cuh"

namespace equipoise {

/// A thread block whose size is a constant.
template <int Threads>
class FixedBlock : public Cut<ThreadTiles, 1> {
 public:
  using Warp = WarpTeam;
  using Block = FixedBlock;
  static constexpr int kWarps = Threads / 32;
  __device__ int thread_rank() const { return static_cast<int>(threadIdx.x); }
  __device__ constexpr int size() const { return Threads; }
  __device__ void sync() const { __syncthreads(); }
};

extern __shared__ float4 fast_memory[];  // float4: 16-byte aligned, as wide loads need

/// What of the context a program's code knows when it is compiled; of a full batch, how many rows it has as well. Fast
/// memory by its own name lies in shared memory for the compiler, which then counts in 32 bits.
template <int Batch, bool Full, bool Shuffle>
__device__ __forceinline__ void know(Context& c, const Chain* chains) {
  c.base[static_cast<int>(Space::fast)] = reinterpret_cast<float*>(fast_memory);
  c.chains = chains;
  c.batch = Batch;
  if constexpr (Full) c.n = Batch;
  c.shuffle = Shuffle;
}

/// The calling thread's units of an operation that is dealt to the block's warps from `FirstTurn` on.
template <class Block, int FirstTurn, class Op>
__device__ __forceinline__ void run(const Context& c, const Op& op) {
  constexpr int kFirstWarp = FirstTurn % Block::kWarps;
  const int warp = static_cast<int>(threadIdx.x / 32);
  EQ_ASSUME(warp < Block::kWarps);
  const int mine = warp < kFirstWarp ? warp - kFirstWarp + Block::kWarps : warp - kFirstWarp;
  if constexpr (requires { Op::kOneWarp; }) {
    if (mine == 0) op.on_warp(WarpTeam{}, c);
  } else {
    const int units = op.template units<Block>(c);
    for (int u = mine * 32 + static_cast<int>(threadIdx.x % 32); u < units; u += Block::kWarps * 32)
      op.template unit<Block>(c, u);
  }
}

}  // namespace equipoise
