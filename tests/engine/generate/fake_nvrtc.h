// tests/engine/generate/fake_nvrtc.h - has kernels compiled by the library of fake_nvrtc.cpp.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/generate/kernel_compiler.h"

namespace equipoise::test {

/// A test that names the fake library, and whose variables are gone behind it.
class WithFakeNvrtc {
 public:
  WithFakeNvrtc() { ::setenv(KernelCompiler::kVariable, EQUIPOISE_FAKE_NVRTC, 1); }
  ~WithFakeNvrtc() {
    for (const char* name : {KernelCompiler::kVariable, "FAKE_NVRTC_VERSION", "FAKE_NVRTC_ERROR", "FAKE_NVRTC_SLEEP",
                             "FAKE_NVRTC_CODE", "FAKE_NVRTC_COUNT"})
      ::unsetenv(name);
  }
  void set(const char* what, const std::string& value) const {
    ::setenv((std::string("FAKE_NVRTC_") + what).c_str(), value.c_str(), 1);
  }
  void unset(const char* what) const { ::unsetenv((std::string("FAKE_NVRTC_") + what).c_str()); }
  /// Compilations from now on, counted in a file.
  void count_in(const std::filesystem::path& file) {
    count_ = file;
    set("COUNT", file.string());
  }
  int compiled() const {
    std::error_code absent;
    const auto size = std::filesystem::file_size(count_, absent);
    return absent ? 0 : static_cast<int>(size);
  }

 private:
  std::filesystem::path count_;
};

}  // namespace equipoise::test
