// kernels/run/made_kernel_no_cuda.cpp - stands in for kernels/run/made_kernel.cu where there is no CUDA toolkit.
#include "kernels/run/device.h"
#include "kernels/run/made_kernel.h"

namespace equipoise {

std::string made_kernel_target(int) { return ""; }

std::unique_ptr<MadeKernel> load_made_kernel(int, const std::vector<std::byte>&, const std::string&, int) {
  throw DeviceError("kernels/run/made_kernel_no_cuda.cpp", __LINE__, "load_made_kernel",
                    "this program was built without CUDA");
}

}  // namespace equipoise
