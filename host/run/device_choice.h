// host/run/device_choice.h - from --device to an executor, or to a CUDA device's number.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/run/executor.h"
#include "host/text/progress.h"
#include "kernels/run/device.h"

namespace equipoise {

/// Parses "auto", "cpu", "cuda" (the first device) or "cuda:N". `auto` takes the first CUDA device if it can be used,
/// else the CPU, and tells the log which and why; a named device that is absent is an Error(device). Other words are an
/// Error(usage), and so are those that name several devices: one model has no use for them. On a CPU one model runs on
/// one thread; several models run on `threads`, 0 = all that the machine has. Where the driver has to compile the
/// kernels, which takes a while, the log says so before.
/// `mode` is of a GPU's kernels.
std::unique_ptr<Executor> make_executor(const std::string& device, Log& log, int threads = 1,
                                        KernelMode mode = KernelMode::interpreter);

/// For many models at once: likewise, and "cuda:all", which are all CUDA devices that are there, or a list such as
/// "cuda:0,cuda:2" are several devices as one. The log says which; of `auto` it says how many more there are. Returns
/// one executor of the CPU, or two of a GPU, or of the GPUs, each with a stream of its own and half of the memory: what
/// is done on one, the host's copies to and from the device among it, goes on beside the other's launches.
std::vector<std::unique_ptr<Executor>> make_study_executors(const std::string& device, Log& log, int threads,
                                                            KernelMode mode = KernelMode::interpreter);

/// Throws what that would of words, of named devices that are not there, and of kernels without one, before anything is
/// begun.
void expect_devices(const std::string& device, KernelMode mode = KernelMode::interpreter);

/// The CUDA devices that those words name, in their order; of `auto` the first if there is any. None: the CPU. Whether
/// a device that is named by number is there is not asked. Throws Error(usage) for a device that is named twice or in
/// company of what is none, Error(device) where `cuda:all` are none.
std::vector<int> cuda_devices_of(const std::string& device);

/// The same of words that name one device at most. Throws Error(usage) for others.
std::optional<int> cuda_device_of(const std::string& device);

/// True if a device finds no binary code in this build and the driver compiles some from PTX as the kernels are loaded.
/// `code` lists architectures as CMake is told them: "80-real" has binary code, which runs on 8.0 and later 8.x,
/// "90-virtual" has PTX, which serves 9.0 and all that is newer, "90" has both; what is not a number, as "native", has
/// whatever is needed.
bool compiles_when_loaded(const DeviceInfo& device, std::string_view code);

}  // namespace equipoise
