// host/run/device_choice.cpp - chooses a device and says so.
#include "host/run/device_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/base/error.h"
#include "host/text/nearest_name.h"

namespace equipoise {

namespace {

std::unique_ptr<Executor> make_cuda(int device, Log& log) {
  const DeviceReport report = device_report(false);
  if (static_cast<size_t>(device) < report.devices.size()) {
    const DeviceInfo& info = report.devices[static_cast<size_t>(device)];
    if (compiles_when_loaded(info, report.code))
      log.info(fmt::format("compiling the kernels for compute capability {}.{}, about half a minute the first time",
                           info.compute_major, info.compute_minor));
  }
  return make_cuda_executor(device);
}

std::unique_ptr<Executor> make_auto(Log& log, int threads) {
  std::string why = device_report().problem;
  if (why.empty()) {
    try {
      auto executor = make_cuda(0, log);
      log.info(fmt::format("device: {} (cuda:0)", executor->name()));
      return executor;
    } catch (const Error& error) {
      if (error.code() != ExitCode::device) throw;
      why = error.what();
    }
  }
  auto executor = make_cpu_executor(threads);
  log.info(fmt::format("device: {}; no GPU is used: {}", executor->name(), why));
  return executor;
}

}  // namespace

std::optional<int> cuda_device_of(const std::string& device) {
  if (device == "auto") return device_report(false).devices.empty() ? std::nullopt : std::optional(0);
  if (device == "cpu") return std::nullopt;
  if (device == "cuda") return 0;
  if (device.starts_with("cuda:")) {
    int number = 0;
    const char* end = device.data() + device.size();
    const auto [rest, problem] = std::from_chars(device.data() + 5, end, number);
    if (problem == std::errc{} && rest == end && number >= 0) return number;
  }
  // "gpu" is a letter from "cpu" and means the opposite.
  const bool means_gpu =
      edit_distance(device.substr(0, 3), "gpu") == 0 || edit_distance(device.substr(0, 6), "nvidia") == 0;
  throw Error(ExitCode::usage,
              fmt::format("--device '{}': not a device; {} (N counts from 0)", device,
                          means_gpu ? "a GPU is called cuda, or cuda:N"
                                    : did_you_mean(device, std::vector<std::string>{"auto", "cpu", "cuda", "cuda:N"})));
}

std::unique_ptr<Executor> make_executor(const std::string& device, Log& log, int threads) {
  if (device == "auto") return make_auto(log, threads);
  const std::optional<int> cuda = cuda_device_of(device);
  return cuda ? make_cuda(*cuda, log) : make_cpu_executor(threads);
}

bool compiles_when_loaded(const DeviceInfo& device, std::string_view code) {
  bool ptx = false;
  while (!code.empty()) {
    const std::string_view entry = code.substr(0, code.find(", "));
    code.remove_prefix(std::min(entry.size() + 2, code.size()));
    int number = 0;  // 10 * major + minor
    const auto [rest, problem] = std::from_chars(entry.data(), entry.data() + entry.size(), number);
    if (problem != std::errc{}) return false;
    const std::string_view kind(rest, entry.data() + entry.size());
    const bool binary_fits = number / 10 == device.compute_major && number % 10 <= device.compute_minor;
    if (kind != "-virtual" && binary_fits) return false;
    if (kind != "-real" && number <= 10 * device.compute_major + device.compute_minor) ptx = true;
  }
  return ptx;
}

}  // namespace equipoise
