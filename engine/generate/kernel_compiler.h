// engine/generate/kernel_compiler.h - compiles the source of made kernels by NVRTC (NVIDIA, "NVRTC User Guide"), which
// is opened when it is first needed: a program that never needs it starts without.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace equipoise {

/// No kernel could be made, in a sentence: the interpreter does the same without.
class KernelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class KernelCompiler {
 public:
  /// Names the library's file in place of those that are looked for.
  static constexpr const char* kVariable = "EQUIPOISE_NVRTC";

  /// Opens the library: the one that kVariable names, else the system's, else the toolkit's in CUDA_HOME, CUDA_PATH or
  /// /usr/local/cuda. Throws KernelError where there is none, or one older than 12.0, the first that knows C++20.
  KernelCompiler();
  KernelCompiler(KernelCompiler&&) noexcept;
  ~KernelCompiler();

  /// The file that was opened, and its version, such as "13.0".
  const std::string& library() const { return library_; }
  const std::string& version() const { return version_; }

  /// Machine code of the source for "sm_90", or PTX for "compute_90". Takes ten seconds to a minute; several threads may compile
  /// at once. Throws KernelError with the compiler's first error.
  std::vector<std::byte> compile(const std::string& source, const std::string& target) const;

  /// What decides about the code beside source, target and version: options and headers, as a hash.
  static const std::string& recipe();

 private:
  struct Library;
  std::unique_ptr<Library> functions_;
  std::string library_, version_;
};

}  // namespace equipoise
