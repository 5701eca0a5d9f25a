// kernels/run/gram_batch.cu - the Gram matrices of kernels/run/gram_batch.h as CUDA kernels: a block per chunk and pair tile,
// then a block per pair.
#include <algorithm>

#include "kernels/teams/block_team.cuh"
#include "kernels/run/cuda_check.cuh"
#include "kernels/run/gram_batch_launch.h"

namespace equipoise {

namespace {

extern __shared__ double scratch[];

inline constexpr int64_t kMostBlocks = 0x7fffffff;

template <bool Alone>
__global__ void __launch_bounds__(gram_shape(Alone).threads, gram_shape(Alone).blocks)
    gram_chunks_of(const GramBatch batch, int64_t first_item, double* partials) {
  constexpr GramShape kShape = gram_shape(Alone);
  double* const row_sums = scratch + kShape.tile_pairs * kShape.pass_rows * kSlotStride;
  const GramItem item = gram_item<BlockTeam>(batch, first_item + blockIdx.x, scratch, row_sums);
  gram_chunk<BlockTeam, Alone>(BlockTeam{}, batch, item, kShape.pass_rows, partials);
}

__global__ void __launch_bounds__(kGramFinishThreads)
    gram_finish_of(const GramBatch batch, int64_t first_pair, double* partials) {
  gram_finish(BlockTeam{}, batch, first_pair + blockIdx.x, partials);
}

/// Calls launch(first, blocks) until a block is given to each of `count`.
template <class Launch>
void in_grids(int64_t count, Launch&& launch) {
  for (int64_t first = 0; first < count; first += kMostBlocks) {
    launch(first, static_cast<unsigned>(std::min(count - first, kMostBlocks)));
    EQ_CUDA(cudaGetLastError());
  }
}

template <bool Alone>
void launch_chunks(const GramBatch& batch, double* partials) {
  constexpr GramShape kShape = gram_shape(Alone);
  EQ_CUDA(cudaFuncSetAttribute(gram_chunks_of<Alone>, cudaFuncAttributeMaxDynamicSharedMemorySize, kShape.scratch_bytes));
  in_grids(device_items(batch), [&](int64_t first, unsigned blocks) {
    gram_chunks_of<Alone><<<blocks, kShape.threads, kShape.scratch_bytes>>>(batch, first, partials);
  });
}

}  // namespace

void gram_batch_device(int device, const GramBatch& batch, double* partials) {
  check_gram_batch(batch);
  EQ_CUDA(cudaSetDevice(device));
  if (batch.tasks <= kDevicePanel) launch_chunks<true>(batch, partials);
  else launch_chunks<false>(batch, partials);
  const int threads = gram_finish_threads(batch);
  in_grids(batch.replicas * pairs_of(batch.tasks),
           [&](int64_t first, unsigned blocks) { gram_finish_of<<<blocks, threads>>>(batch, first, partials); });
}

}  // namespace equipoise
