// host/run/device_choice.cpp - chooses a device and says so.
#include "host/run/device_choice.h"

#include <fmt/format.h>

#include <charconv>

#include "engine/base/error.h"
#include "host/text/nearest_name.h"
#include "kernels/run/device.h"

namespace equipoise {

namespace {

/// Replicas of a single training: one, and a replica runs on one thread.
constexpr int kThreadsOfOneModel = 1;

std::unique_ptr<Executor> make_cpu() { return make_cpu_executor(kThreadsOfOneModel); }

std::unique_ptr<Executor> make_auto(Log& log) {
  std::string why = device_report().problem;
  if (why.empty()) {
    try {
      auto executor = make_cuda_executor(0);
      log.info(fmt::format("device: {} (cuda:0)", executor->name()));
      return executor;
    } catch (const Error& error) {
      if (error.code() != ExitCode::device) throw;
      why = error.what();
    }
  }
  auto executor = make_cpu();
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

std::unique_ptr<Executor> make_executor(const std::string& device, Log& log) {
  if (device == "auto") return make_auto(log);
  const std::optional<int> cuda = cuda_device_of(device);
  return cuda ? make_cuda_executor(*cuda) : make_cpu();
}

}  // namespace equipoise
