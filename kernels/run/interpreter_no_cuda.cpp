// kernels/run/interpreter_no_cuda.cpp - stands in for kernels/run/interpreter.cu where there is no CUDA toolkit.
#include "kernels/run/device.h"
#include "kernels/run/interpreter_launch.h"

namespace equipoise {

namespace {
[[noreturn]] void refuse(const char* call) {
  throw DeviceError("kernels/run/interpreter_no_cuda.cpp", __LINE__, call, "this program was built without CUDA");
}
}  // namespace

int64_t device_fast_floats(int) { refuse("device_fast_floats"); }

void launch_program(int, const Launch&, int64_t, int) { refuse("launch_program"); }

}  // namespace equipoise
