// engine/base/cuda_device.h - a CUDA device that was asked for by number.
#pragma once

#include "kernels/run/device.h"

namespace equipoise {

/// What that device is. Throws Error(device), in words for the user, if there is none of that number.
DeviceInfo expect_cuda_device(int device);

}  // namespace equipoise
