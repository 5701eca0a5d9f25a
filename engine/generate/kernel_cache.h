// engine/generate/kernel_cache.h - compiled kernels on disk, so that a model is compiled once. A file is trusted only
// as far as its hash goes; a folder that others may write to is not used at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace equipoise {

class KernelCache {
 public:
  static constexpr uint64_t kMostBytes = uint64_t{256} << 20;  ///< of all files; the longest unused go first

  /// The user's: $XDG_CACHE_HOME/equipoise, or ~/.cache/equipoise. Empty where neither variable is set.
  static std::filesystem::path users_folder();

  /// Nothing is made or read before the first call below.
  explicit KernelCache(std::filesystem::path folder, uint64_t most_bytes = kMostBytes)
      : folder_(std::move(folder)), most_bytes_(most_bytes) {}

  const std::filesystem::path& folder() const { return folder_; }

  /// The code that was kept under the key (64 hexadecimal digits), if it is there whole. A file that is damaged, or
  /// whose content is another key's, counts as absent and is removed.
  std::optional<std::vector<std::byte>> find(const std::string& key) const;
  /// Keeps code under the key, for whoever else asks for it from now on, in this process or another. Where it cannot,
  /// a sentence says why, and nothing else has happened; empty: kept.
  std::string keep(const std::string& key, const std::vector<std::byte>& code) const;

  struct Size {
    int kernels = 0;
    uint64_t bytes = 0;
  };
  Size size() const;
  /// Why the folder is not used, in a sentence; empty where it is, or can be made.
  std::string problem() const;

 private:
  std::filesystem::path file_of(const std::string& key) const { return folder_ / (key + ".kernel"); }
  void remove_oldest() const;

  std::filesystem::path folder_;
  uint64_t most_bytes_;
};

}  // namespace equipoise
