// engine/base/cuda_device.cpp - says which CUDA devices there are where an absent one was asked for.
#include "engine/base/cuda_device.h"

#include <fmt/format.h>

#include "engine/base/error.h"

namespace equipoise {

DeviceInfo expect_cuda_device(int device) {
  const DeviceReport report = device_report(false);
  if (report.devices.empty())
    throw Error(ExitCode::device, fmt::format("cuda:{}: {}; use --device cpu, or see what `equipoise doctor` says",
                                              device, report.problem));
  if (device < 0 || static_cast<size_t>(device) >= report.devices.size())
    throw Error(ExitCode::device,
                fmt::format("cuda:{}: this machine's CUDA devices are cuda:0 to cuda:{}; name one of them", device,
                            report.devices.size() - 1));
  return report.devices[static_cast<size_t>(device)];
}

}  // namespace equipoise
