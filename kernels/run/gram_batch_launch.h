// kernels/run/gram_batch_launch.h - Gram matrices of many stacks of gradients, on host threads or a CUDA device. No
// CUDA type appears here.
#pragma once

#include "kernels/run/gram_batch.h"

namespace equipoise {

/// Throws std::invalid_argument if a size is out of the range that GramBatch states.
void check_gram_batch(const GramBatch& batch);

/// G of every replica on `threads` host threads; their number changes no bit.
void gram_batch_cpu(const GramBatch& batch, int threads);

/// The same bits on a device, all pointers on it; `partials` is gram_scratch(batch) doubles of scratch. Returns when
/// the work is queued on the default stream; what fails while it runs is thrown by a later call. Throws DeviceError.
void gram_batch_device(int device, const GramBatch& batch, double* partials);

}  // namespace equipoise
