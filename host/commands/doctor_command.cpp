// host/commands/doctor_command.cpp - what this build and this machine can do.
#include <fmt/format.h>
#include <unistd.h>

#include <thread>

#include "engine/generate/kernel_cache.h"
#include "engine/generate/kernel_compiler.h"
#include "host/commands/commands.h"
#include "host/run/build_info.h"
#include "kernels/run/device.h"
#include "kernels/state/control.h"

namespace equipoise {

namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

std::string cuda_release(int number) { return fmt::format("{}.{}", number / 1000, number % 1000 / 10); }

std::string devices_of(const DeviceReport& report) {
  std::string text;
  for (std::size_t i = 0; i < report.devices.size(); ++i) {
    const DeviceInfo& d = report.devices[i];
    text += fmt::format(
        "  cuda:{:<6} {}, compute capability {}.{}, {} multiprocessors, {:.1f} of {:.1f} GiB free, "
        "{} KiB of shared memory a block\n",
        i, d.name, d.compute_major, d.compute_minor, d.multiprocessors, static_cast<double>(d.free_memory) / kGiB,
        static_cast<double>(d.memory) / kGiB, d.shared_per_block_optin / 1024);
  }
  if (!report.devices.empty()) return text;
  text += fmt::format("  none: {}\n", report.problem);
  const char* what = !report.built_with_cuda ? "install the CUDA toolkit and configure again with the preset cuda"
                     : report.driver_version == 0
                         ? "install the NVIDIA driver, or start the container with its GPUs (docker run --gpus all)"
                         : "see that nvidia-smi lists the device and CUDA_VISIBLE_DEVICES does not hide it";
  return text + fmt::format("  to use a GPU: {}; without one everything runs on the CPU, with the same bits\n", what);
}

/// What compiles kernels for one model, and where they are kept.
std::string kernels_text() {
  std::string text = "kernels made for a model\n  compiler    ";
  try {
    const KernelCompiler compiler;
    text += fmt::format("NVRTC {} ({})\n", compiler.version(), compiler.library());
  } catch (const KernelError& e) {
    text += fmt::format("none: {}\n", e.what());
  }
  const KernelCache cache(KernelCache::users_folder());
  if (const std::string problem = cache.problem(); !problem.empty())
    return text + fmt::format("  cache       not used: {}\n", problem);
  const KernelCache::Size size = cache.size();
  return text + fmt::format("  cache       {}: {} kernel{}, {:.1f} of at most {} MiB\n", cache.folder().string(),
                            size.kernels, size.kernels == 1 ? "" : "s", static_cast<double>(size.bytes) / 1048576.0,
                            KernelCache::kMostBytes >> 20);
}

}  // namespace

std::string doctor_text(const DeviceReport& report) {
  const BuildInfo& b = build_info();
  std::string text = fmt::format("build\n  version     {}\n  commit      {}\n  compiler    {}\n  CUDA        {}\n",
                                 b.version, b.git, b.compiler, b.cuda);
  if (report.built_with_cuda) {
    text += fmt::format("  code for    {}\n  runtime     CUDA {}\n  driver      {}\n", report.architectures,
                        cuda_release(report.runtime_version),
                        report.driver_version > 0 ? "CUDA " + cuda_release(report.driver_version) : "none");
    text += "  libraries   ";
    for (std::size_t i = 0; i < report.libraries.size(); ++i)
      text += fmt::format("{}{} {}", i > 0 ? ", " : "", report.libraries[i].first, report.libraries[i].second);
    text += " (cuBLAS and cuRAND serve benchmarks and tests)\n";
  }
  const double memory =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / kGiB;
  text += fmt::format("processor\n  cores       {}\n  memory      {:.1f} GiB\n  features    ",
                      std::thread::hardware_concurrency(), memory);
#if defined(__x86_64__)
  text += fmt::format("AVX2 and FMA (needed), AVX-512F {} (not used)\n",
                      __builtin_cpu_supports("avx512f") ? "present" : "absent");
#else
  text += "hardware fma\n";
#endif
  text += "devices\n" + devices_of(report);
  text += fmt::format("limits\n  a model     {} tasks, {} loss terms\n  a table     2 GiB\n  a config    1 MiB\n",
                      kMaxTasks, kMaxTerms);
  return text;
}

ExitCode doctor_command() {
  print_result(doctor_text(device_report()) + kernels_text());
  return ExitCode::done;
}

}  // namespace equipoise
