// tests/fuzz/fuzz_target.h - what the targets have in common. A target is a function of bytes that aborts where a
// promise is broken; libFuzzer makes bytes for one, and corpus_test.cpp hands the kept ones to all.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace equipoise::fuzz {

using Target = void (*)(const uint8_t* bytes, size_t size);

struct NamedTarget {
  const char* name;
  Target run;
};
/// All targets of this program.
inline std::vector<NamedTarget>& targets() {
  static std::vector<NamedTarget> all;
  return all;
}

/// A check that also counts without assertions.
inline void require(bool holds, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: a promise is broken\n", file, line);
  std::abort();
}

/// Files that are removed when the process ends.
struct Files {
  std::set<std::filesystem::path> written;
  ~Files() {
    std::error_code ignored;
    for (const std::filesystem::path& path : written) std::filesystem::remove(path, ignored);
  }
};

/// A file of this process, one for each suffix, written anew for every input.
inline std::filesystem::path file_of(std::string_view content, const char* suffix) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("equipoise-fuzz-" + std::to_string(::getpid()) + suffix);
  static Files files;
  files.written.insert(path);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  return path;
}

/// Bytes as a row of choices; zeros and empty texts once there are none left.
class Input {
 public:
  Input(const uint8_t* bytes, size_t size) : bytes_(bytes), left_(size) {}

  uint64_t number(size_t width = 8) {
    uint64_t value = 0;
    const size_t taken = std::min(width, left_);
    std::memcpy(&value, bytes_, taken);
    bytes_ += taken;
    left_ -= taken;
    return value;
  }
  /// From 0 to `most`.
  size_t choice(size_t most) { return most == 0 ? 0 : number(most < 256 ? 1 : 4) % (most + 1); }
  /// At most that many bytes.
  std::string text(size_t most) {
    const size_t taken = std::min(choice(most), left_);
    std::string text(reinterpret_cast<const char*>(bytes_), taken);
    bytes_ += taken;
    left_ -= taken;
    return text;
  }

 private:
  const uint8_t* bytes_;
  size_t left_;
};

}  // namespace equipoise::fuzz

#ifdef EQUIPOISE_LIBFUZZER
#define EQUIPOISE_FUZZER_ENTRY(function)                                     \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) { \
    function(bytes, size);                                                   \
    return 0;                                                                \
  }
#else
#define EQUIPOISE_FUZZER_ENTRY(function)
#endif

/// Begins the target of that name: EQUIPOISE_FUZZ_TARGET(table) { ... bytes ... size ... }
#define EQUIPOISE_FUZZ_TARGET(name)                                       \
  static void fuzz_##name(const uint8_t* bytes, size_t size);             \
  [[maybe_unused]] static const bool name##_is_known =                    \
      (equipoise::fuzz::targets().push_back({#name, fuzz_##name}), true); \
  EQUIPOISE_FUZZER_ENTRY(fuzz_##name)                                     \
  static void fuzz_##name(const uint8_t* bytes, size_t size)
