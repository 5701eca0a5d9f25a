// tests/fuzz/fuzz_file.h - what the targets have in common: a check that also counts without assertions, and a file for
// parsers that read one.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace equipoise::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

/// A file of this process, written anew for every input.
inline const std::filesystem::path& file_of(std::string_view content, const char* suffix) {
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("equipoise-fuzz-" + std::to_string(::getpid()) + suffix);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  return path;
}

}  // namespace equipoise::fuzz
