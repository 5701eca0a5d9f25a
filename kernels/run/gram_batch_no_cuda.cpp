// kernels/run/gram_batch_no_cuda.cpp - stands in for kernels/run/gram_batch.cu where there is no CUDA toolkit.
#include "kernels/run/device.h"
#include "kernels/run/gram_batch_launch.h"

namespace equipoise {

void gram_batch_device(int, const GramBatch&, double*) {
  throw DeviceError("kernels/run/gram_batch_no_cuda.cpp", __LINE__, "gram_batch_device",
                    "this program was built without CUDA");
}

}  // namespace equipoise
