// host/run/device_choice.h - from --device to an executor, or to a CUDA device's number.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/run/executor.h"
#include "host/text/progress.h"

namespace equipoise {

/// Parses "auto", "cpu", "cuda" (the first device) or "cuda:N". `auto` takes the first CUDA device if it can be used,
/// else the CPU, and tells the log which and why; a named device that is absent is an Error(device). Other words are an
/// Error(usage). On a CPU one model runs on one thread.
std::unique_ptr<Executor> make_executor(const std::string& device, Log& log);

/// The same words; of `auto` the first CUDA device if there is any. None: the CPU. Whether a named device is there is
/// not asked.
std::optional<int> cuda_device_of(const std::string& device);

}  // namespace equipoise
