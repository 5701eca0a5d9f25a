// engine/run/made_kernels.h - which kernel a launch takes: the interpreter, or one that was made for its programs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/generate/kernel_maker.h"
#include "engine/run/device_programs.h"
#include "engine/run/executor.h"
#include "kernels/run/made_kernel.h"

namespace equipoise {

/// The kernels that were made for what an executor runs.
class MadeKernels {
 public:
  /// `worth_compiling`: seconds of work, done and expected, from which on a kernel is compiled. Throws Error(device)
  /// for the mode `generated` where no kernel can be loaded.
  MadeKernels(int device, KernelMode mode, double worth_compiling);

  /// The kernel for a launch of these programs (`loaded` are the same, as the device has them) on blocks of `threads`,
  /// which is expected to go on for `seconds` more, in this launch and later ones of the same run; null: the
  /// interpreter's. Never waits, unless the mode is `generated`, which has no interpreter: it throws Error(device)
  /// where the kernel cannot be made.
  MadeKernel* find(std::span<const ProgramRun> programs, std::span<const DeviceProgram* const> loaded, int threads,
                   double seconds);

  /// That launch took so long.
  void took(double seconds) {
    if (!entries_.empty()) entries_.front()->seconds += seconds;
  }
  /// Counts steps of a launch of that kernel, or of the interpreter's.
  void count(const MadeKernel* made, int64_t steps) { (made ? use_.generated_steps : use_.interpreted_steps) += steps; }
  const KernelUse& use() const { return use_; }

 private:
  struct Entry {
    std::vector<std::vector<std::byte>> contents;  // of the programs
    int threads = 0;
    double seconds = 0;  // that its launches took
    std::string source;
    KernelMaker::Order order;
    bool may_compile = false;  // so ordered
    std::unique_ptr<MadeKernel> kernel;
    bool failed = false;
  };
  Entry& entry_of(std::span<const ProgramRun> programs, std::span<const DeviceProgram* const> loaded, int threads);
  void order(Entry& entry, bool may_compile);
  void load(Entry& entry);
  void fail(Entry& entry, std::string why);  // by value: the order that it is read from goes
  /// The first problem is the one that is told.
  void tell(const std::string& problem) {
    if (use_.problem.empty()) use_.problem = problem;
  }

  int device_;
  KernelMode mode_;
  double worth_compiling_;
  std::string target_;
  KernelUse use_;
  std::vector<std::unique_ptr<Entry>> entries_;  // the last used comes first
};

}  // namespace equipoise
