// host/run/device_choice.cpp - chooses a device and says so.
#include "host/run/device_choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "engine/base/cuda_device.h"
#include "engine/base/error.h"
#include "engine/run/cuda_executor.h"
#include "engine/run/several_executors.h"
#include "host/text/nearest_name.h"

namespace equipoise {

namespace {

/// Says beforehand that the driver will compile.
void tell_compiling(int device, Log& log) {
  const DeviceReport report = device_report(false);
  if (static_cast<size_t>(device) < report.devices.size()) {
    const DeviceInfo& info = report.devices[static_cast<size_t>(device)];
    if (compiles_when_loaded(info, report.code))
      log.info(fmt::format("compiling the kernels for compute capability {}.{}, about half a minute the first time",
                           info.compute_major, info.compute_minor));
  }
}

/// So many executors of the devices as one.
std::vector<std::unique_ptr<Executor>> make_cuda(const std::vector<int>& devices, int executors, Log& log,
                                                 KernelMode mode) {
  CudaOptions options;
  options.sharing = executors;
  options.kernel_mode = mode;
  for (const int device : devices) tell_compiling(device, log);
  std::vector<std::unique_ptr<Executor>> made;
  for (int e = 0; e < executors; ++e) {
    std::vector<std::unique_ptr<Executor>> parts;
    for (const int device : devices) parts.push_back(make_cuda_executor(device, options));
    made.push_back(make_several(std::move(parts)));
  }
  return made;
}

/// No GPU is used: throws Error(usage) where a kernel of one was asked for.
void expect_no_kernel(KernelMode mode) {
  if (mode == KernelMode::generated)
    throw Error(ExitCode::usage,
                "--kernel-mode generated: no GPU is used, and only a GPU runs kernels; name one by --device, or leave "
                "the option out");
}

std::vector<std::unique_ptr<Executor>> make_cpu(int threads, KernelMode mode) {
  expect_no_kernel(mode);
  std::vector<std::unique_ptr<Executor>> made;
  made.push_back(make_cpu_executor(threads));
  return made;
}

constexpr const char* kAllGpus = "cuda:all";

/// Of "cuda" and "cuda:N".
std::optional<int> gpu_number(std::string_view word) {
  if (word == "cuda") return 0;
  if (!word.starts_with("cuda:")) return std::nullopt;
  int number = 0;
  const char* const end = word.data() + word.size();
  const auto [rest, problem] = std::from_chars(word.data() + 5, end, number);
  return problem == std::errc{} && rest == end && number >= 0 ? std::optional(number) : std::nullopt;
}

/// Whether words mean several devices, and be it that one is there or the list has one.
bool names_several(std::string_view device) { return device == kAllGpus || device.find(',') != std::string_view::npos; }

/// The devices of a list.
std::vector<int> numbers_of(const std::string& device) {
  std::vector<int> numbers;
  for (std::size_t first = 0, end = 0; end < device.size(); first = end + 1) {
    end = std::min(device.find(',', first), device.size());
    const std::string word = device.substr(first, end - first);
    if (word == "auto" || word == "cpu" || word == kAllGpus)
      throw Error(ExitCode::usage,
                  fmt::format("--device '{}': {} stands alone; a list names GPUs, as cuda:0,cuda:2", device, word));
    const std::optional<int> number = gpu_number(word);
    if (!number)
      throw Error(ExitCode::usage, fmt::format("--device '{}': '{}' is no GPU; a list names each in full, as "
                                               "cuda:0,cuda:2 (they count from 0)",
                                               device, word));
    if (std::find(numbers.begin(), numbers.end(), *number) != numbers.end())
      throw Error(ExitCode::usage,
                  fmt::format("--device '{}': cuda:{} is named twice; name each GPU once", device, *number));
    numbers.push_back(*number);
  }
  return numbers;
}

std::vector<int> all_numbers() {
  const DeviceReport report = device_report(false);
  if (report.devices.empty())
    throw Error(ExitCode::device,
                fmt::format("{}: {}; use --device cpu, or see what `equipoise doctor` says", kAllGpus, report.problem));
  std::vector<int> numbers;
  for (std::size_t d = 0; d < report.devices.size(); ++d) numbers.push_back(static_cast<int>(d));
  return numbers;
}

/// `unused_ones`: whether the log says that there are more.
std::vector<std::unique_ptr<Executor>> make_auto(Log& log, int threads, int executors, bool unused_ones,
                                                 KernelMode mode) {
  std::string why = device_report().problem;
  if (why.empty()) {
    try {
      auto made = make_cuda({0}, executors, log, mode);
      const std::size_t there = device_report(false).devices.size();
      log.info(fmt::format(
          "device: {} (cuda:0){}", made[0]->name(),
          unused_ones && there > 1 ? fmt::format("; --device {} would use all {}", kAllGpus, there) : std::string()));
      return made;
    } catch (const Error& error) {
      if (error.code() != ExitCode::device) throw;
      why = error.what();
    }
  }
  auto made = make_cpu(threads, mode);
  log.info(fmt::format("device: {}; no GPU is used: {}", made[0]->name(), why));
  return made;
}

}  // namespace

std::vector<int> cuda_devices_of(const std::string& device) {
  if (device == "auto") return device_report(false).devices.empty() ? std::vector<int>{} : std::vector{0};
  if (device == "cpu") return {};
  if (const std::optional<int> number = gpu_number(device)) return {*number};
  if (device == kAllGpus) return all_numbers();
  if (names_several(device)) return numbers_of(device);
  // "gpu" is a letter from "cpu" and means the opposite.
  const bool means_gpu =
      edit_distance(device.substr(0, 3), "gpu") == 0 || edit_distance(device.substr(0, 6), "nvidia") == 0;
  throw Error(ExitCode::usage,
              fmt::format("--device '{}': not a device; {} (N counts from 0)", device,
                          means_gpu ? "a GPU is called cuda, or cuda:N"
                                    : did_you_mean(device, std::vector<std::string>{"auto", "cpu", "cuda", "cuda:N",
                                                                                    kAllGpus})));
}

std::optional<int> cuda_device_of(const std::string& device) {
  if (names_several(device)) {
    if (device != kAllGpus) numbers_of(device);  // throws what is wrong with a list as such
    throw Error(ExitCode::usage,
                fmt::format("--device '{}': names several devices, and this command runs one model at a time; name "
                            "one, as cuda:0 (cross-validate and sweep take several)",
                            device));
  }
  const std::vector<int> numbers = cuda_devices_of(device);
  return numbers.empty() ? std::nullopt : std::optional(numbers[0]);
}

std::unique_ptr<Executor> make_executor(const std::string& device, Log& log, int threads, KernelMode mode) {
  if (device == "auto") return std::move(make_auto(log, threads, 1, false, mode).front());
  const std::optional<int> cuda = cuda_device_of(device);
  return std::move((cuda ? make_cuda({*cuda}, 1, log, mode) : make_cpu(threads, mode)).front());
}

void expect_devices(const std::string& device, KernelMode mode) {
  const std::vector<int> numbers = cuda_devices_of(device);
  if (numbers.empty()) expect_no_kernel(mode);
  for (const int number : numbers) expect_cuda_device(number);
}

std::vector<std::unique_ptr<Executor>> make_study_executors(const std::string& device, Log& log, int threads,
                                                            KernelMode mode) {
  constexpr int kExecutors = 2;  // of GPUs: one trains while the host is busy with what the other has done
  if (device == "auto") return make_auto(log, threads, kExecutors, true, mode);
  const std::vector<int> numbers = cuda_devices_of(device);
  if (numbers.empty()) return make_cpu(threads, mode);
  if (!names_several(device)) return make_cuda(numbers, kExecutors, log, mode);
  expect_devices(device);  // before the first is started
  auto made = make_cuda(numbers, kExecutors, log, mode);
  log.info(fmt::format("device: {} (cuda:{})", made[0]->name(), fmt::join(numbers, ", cuda:")));
  return made;
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
