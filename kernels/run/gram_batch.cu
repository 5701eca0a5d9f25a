// kernels/run/gram_batch.cu - the Gram matrices of kernels/run/gram_batch.h as CUDA kernels: a block per chunk and pair tile,
// then a block per pair.
#include <algorithm>

#include "kernels/teams/block_team.cuh"
#include "kernels/run/cuda_check.cuh"
#include "kernels/run/gram_batch_launch.h"

namespace equipoise {

namespace {

extern __shared__ double scratch[];

/// Threads of a block, the rows they walk at a time (a thread per slot), and blocks that fit a multiprocessor together:
/// 44 KB each, and 128 registers a thread where all pairs are one tile, 168 where tiles are 8 x 8.
template <bool Alone>
struct Shape {
  static constexpr int kThreads = Alone ? 128 : 64, kPassRows = kThreads / kRowLanes, kBlocks = Alone ? 4 : 5;
  static constexpr int kPairs = Alone ? kDevicePanel * (kDevicePanel + 1) / 2 : kDevicePanel * kDevicePanel;
  static constexpr int kScratchBytes = team_scratch(kPairs, kPairs, kPassRows) * static_cast<int>(sizeof(double));
};
inline constexpr int kFinishThreads = 384;
inline constexpr int64_t kMostBlocks = 0x7fffffff;

template <bool Alone>
__global__ void __launch_bounds__(Shape<Alone>::kThreads, Shape<Alone>::kBlocks)
    gram_chunks_of(const GramBatch batch, int64_t first_item, double* partials) {
  double* const row_sums = scratch + Shape<Alone>::kPairs * Shape<Alone>::kPassRows * kSlotStride;
  const GramItem item = gram_item<BlockTeam>(batch, first_item + blockIdx.x, scratch, row_sums);
  gram_chunk<BlockTeam, Alone>(BlockTeam{}, batch, item, Shape<Alone>::kPassRows, partials);
}

__global__ void __launch_bounds__(kFinishThreads)
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
  using S = Shape<Alone>;
  EQ_CUDA(cudaFuncSetAttribute(gram_chunks_of<Alone>, cudaFuncAttributeMaxDynamicSharedMemorySize, S::kScratchBytes));
  in_grids(device_items(batch), [&](int64_t first, unsigned blocks) {
    gram_chunks_of<Alone><<<blocks, S::kThreads, S::kScratchBytes>>>(batch, first, partials);
  });
}

}  // namespace

void gram_batch_device(int device, const GramBatch& batch, double* partials) {
  check_gram_batch(batch);
  EQ_CUDA(cudaSetDevice(device));
  if (batch.tasks <= kDevicePanel) launch_chunks<true>(batch, partials);
  else launch_chunks<false>(batch, partials);
  // A thread per join of the first level.
  const int64_t joins = (joined(gram_chunks(batch)) + 31) / 32 * 32;
  const int threads = static_cast<int>(std::min<int64_t>(joins, kFinishThreads));
  in_grids(batch.replicas * pairs_of(batch.tasks),
           [&](int64_t first, unsigned blocks) { gram_finish_of<<<blocks, threads>>>(batch, first, partials); });
}

}  // namespace equipoise
