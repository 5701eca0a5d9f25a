// kernels/run/min_norm_batch_no_cuda.cpp - stands in for kernels/run/min_norm_batch.cu where there is no CUDA toolkit.
#include "kernels/run/device.h"
#include "kernels/run/min_norm_batch.h"

namespace equipoise {

void min_norm_batch_device(int, const MinNormBatch&) {
  throw DeviceError("kernels/run/min_norm_batch_no_cuda.cpp", __LINE__, "min_norm_batch_device",
                    "this program was built without CUDA");
}

}  // namespace equipoise
