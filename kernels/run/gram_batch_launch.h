// kernels/run/gram_batch_launch.h - Gram matrices of many stacks of gradients, on host threads or a CUDA device. No
// CUDA type appears here.
#pragma once

#include "kernels/run/gram_batch.h"

namespace equipoise {

/// How a device runs it: threads of a block, the rows they walk at a time (a thread per slot), blocks that fit a
/// multiprocessor together, and the block's scratch: 44 KB, and 128 registers a thread where all pairs are one tile
/// (`alone`), 168 where tiles are 8 x 8.
struct GramShape {
  int threads, pass_rows, blocks, tile_pairs, scratch_bytes;
};
EQ_COUNT GramShape gram_shape(bool alone) {
  const int threads = alone ? 128 : 64, rows = threads / kRowLanes;
  const int pairs = alone ? kDevicePanel * (kDevicePanel + 1) / 2 : kDevicePanel * kDevicePanel;
  return {threads, rows, alone ? 4 : 5, pairs, team_scratch(pairs, pairs, rows) * static_cast<int>(sizeof(double))};
}
/// Threads of a block that joins a pair's partial sums: one per join of the first level.
inline constexpr int kGramFinishThreads = 384;
EQ_COUNT int gram_finish_threads(const GramBatch& batch) {
  const int64_t joins = (joined(gram_chunks(batch)) + 31) / 32 * 32;
  return static_cast<int>(joins < kGramFinishThreads ? joins : kGramFinishThreads);
}

/// Throws std::invalid_argument if a size is out of the range that GramBatch states.
void check_gram_batch(const GramBatch& batch);

/// G of every replica on `threads` host threads; their number changes no bit.
void gram_batch_cpu(const GramBatch& batch, int threads);

/// The same bits on a device, all pointers on it; `partials` is gram_scratch(batch) doubles of scratch. Returns when
/// the work is queued on the default stream; what fails while it runs is thrown by a later call. Throws DeviceError.
void gram_batch_device(int device, const GramBatch& batch, double* partials);

}  // namespace equipoise
