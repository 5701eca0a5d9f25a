// engine/run/made_kernels.cpp - orders kernels, and takes them once they are there.
#include "engine/run/made_kernels.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/generate/kernel_source.h"

namespace equipoise {

namespace {

constexpr std::size_t kKernelsKept = 8;

}  // namespace

MadeKernels::MadeKernels(int device, KernelMode mode, double worth_compiling)
    : device_(device), mode_(mode), worth_compiling_(worth_compiling) {
  if (mode_ == KernelMode::interpreter) return;
  target_ = made_kernel_target(device);
  if (!target_.empty()) return;
  tell("this build cannot load kernels that are made at run time");
  if (mode_ == KernelMode::generated) throw Error(ExitCode::device, "--kernel-mode generated: " + use_.problem);
  mode_ = KernelMode::interpreter;
}

MadeKernel* MadeKernels::find(std::span<const ProgramRun> programs, std::span<const DeviceProgram* const> loaded,
                              int threads, double seconds) {
  if (mode_ == KernelMode::interpreter) return nullptr;
  Entry& entry = entry_of(programs, loaded, threads);
  if (entry.kernel) return entry.kernel.get();
  if (entry.failed) return nullptr;
  const bool compile = mode_ == KernelMode::generated || entry.seconds + seconds >= worth_compiling_;
  if (!entry.order) order(entry, compile);
  const auto state_of = [&] {
    const KernelMaker& maker = KernelMaker::shared();
    return mode_ == KernelMode::generated ? maker.wait(entry.order) : maker.state(entry.order);
  };
  MadeCode::State state = state_of();
  if (state == MadeCode::State::absent && compile && !entry.may_compile) {
    order(entry, true);
    state = state_of();
  }
  if (state == MadeCode::State::failed) fail(entry, entry.order->problem);
  if (state == MadeCode::State::made) load(entry);
  return entry.kernel.get();
}

MadeKernels::Entry& MadeKernels::entry_of(std::span<const ProgramRun> programs,
                                          std::span<const DeviceProgram* const> loaded, int threads) {
  const auto known = std::find_if(entries_.begin(), entries_.end(), [&](const std::unique_ptr<Entry>& e) {
    return e->threads == threads &&
           std::equal(e->contents.begin(), e->contents.end(), loaded.begin(), loaded.end(),
                      [](const std::vector<std::byte>& a, const DeviceProgram* b) { return a == b->contents; });
  });
  if (known != entries_.end()) {
    std::rotate(entries_.begin(), known, known + 1);
    return *entries_.front();
  }
  auto entry = std::make_unique<Entry>();
  std::vector<const Program*> all;
  for (const ProgramRun& run : programs) all.push_back(&run.program);
  for (const DeviceProgram* program : loaded) entry->contents.push_back(program->contents);
  entry->threads = threads;
  entry->source = kernel_source(all, threads);
  entries_.insert(entries_.begin(), std::move(entry));
  if (entries_.size() > kKernelsKept) entries_.pop_back();
  return *entries_.front();
}

void MadeKernels::order(Entry& entry, bool may_compile) {
  entry.order = KernelMaker::shared().order(entry.source, target_, may_compile);
  entry.may_compile = may_compile;
}

void MadeKernels::load(Entry& entry) {
  try {
    entry.kernel = load_made_kernel(device_, entry.order->code, kMadeKernel, entry.threads);
    tell(entry.order->problem);  // why it could not be cached, if so
  } catch (const UnusableCode& e) {
    fail(entry, fmt::format("the device cannot use the kernel that was made for it: {}", e.what()));
  }
  entry.order = nullptr;
}

void MadeKernels::fail(Entry& entry, std::string why) {
  if (mode_ == KernelMode::generated)
    throw Error(ExitCode::device, fmt::format("--kernel-mode generated: {}; --kernel-mode interpreter does the same "
                                              "without",
                                              why));
  entry.failed = true;
  entry.order = nullptr;
  tell(why);
}

}  // namespace equipoise
