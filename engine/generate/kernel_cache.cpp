// engine/generate/kernel_cache.cpp - a file a kernel: a line that names its key and its code's hash, then the code.
#include "engine/generate/kernel_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/sha256.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".kernel", kTemporary = ".tmp";
constexpr auto kLeftBehind = std::chrono::hours(1);  // after which a temporary's process no longer writes it

std::string hash_of(std::string_view bytes) {
  Sha256 sum;
  sum.update(bytes);
  return sum.hex();
}

std::string_view text_of(const std::vector<std::byte>& code) {
  return {reinterpret_cast<const char*>(code.data()), code.size()};
}

std::string first_line(const std::string& key, std::string_view code) {
  return fmt::format("equipoise kernel 1 {} {}\n", key, hash_of(code));
}

struct KeptFile {
  fs::path path;
  uint64_t bytes;
  fs::file_time_type used;
};

/// The folder's files that end so.
std::vector<KeptFile> files_of(const fs::path& folder, std::string_view suffix) {
  std::vector<KeptFile> all;
  std::error_code problem;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    std::error_code gone;  // another process may remove it meanwhile
    const std::string name = at->path().filename().string();
    if (!name.ends_with(suffix) || !at->is_regular_file(gone)) continue;
    const uint64_t bytes = at->file_size(gone);
    const fs::file_time_type used = at->last_write_time(gone);
    if (!gone) all.push_back({at->path(), bytes, used});
  }
  return all;
}

}  // namespace

fs::path KernelCache::users_folder() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache == '/') return fs::path(cache) / "equipoise";  // a relative one is to be ignored, says XDG
  const char* const home = std::getenv("HOME");
  return home && *home ? fs::path(home) / ".cache" / "equipoise" : fs::path();
}

std::string KernelCache::problem() const {
  if (folder_.empty()) return "neither XDG_CACHE_HOME nor HOME is set";
  struct stat status {};
  if (::lstat(folder_.c_str(), &status) != 0)
    return errno == ENOENT ? "" : fmt::format("{}: {}", folder_.string(), std::strerror(errno));
  if (!S_ISDIR(status.st_mode)) return fmt::format("{} is no folder", folder_.string());
  if (status.st_uid != ::geteuid()) return fmt::format("{} belongs to another user", folder_.string());
  if (status.st_mode & (S_IWGRP | S_IWOTH)) return fmt::format("others may write to {}", folder_.string());
  return "";
}

std::optional<std::vector<std::byte>> KernelCache::find(const std::string& key) const {
  if (!problem().empty()) return std::nullopt;
  const fs::path file = file_of(key);
  std::error_code ignored;
  try {
    if (!fs::is_regular_file(fs::symlink_status(file, ignored))) return std::nullopt;
    const std::string text = read_text(file, most_bytes_);
    const std::size_t line = std::min(text.find('\n'), text.size());
    const std::string_view code = std::string_view(text).substr(std::min(line + 1, text.size()));
    if (!code.empty() && text.compare(0, line + 1, first_line(key, code)) == 0) {
      fs::last_write_time(file, fs::file_time_type::clock::now(), ignored);  // the last to go
      const auto* const first = reinterpret_cast<const std::byte*>(code.data());
      return std::vector<std::byte>(first, first + code.size());
    }
  } catch (const Error&) {  // unreadable: as if it were not there
  }
  fs::remove(file, ignored);
  return std::nullopt;
}

std::string KernelCache::keep(const std::string& key, const std::vector<std::byte>& code) const {
  if (std::string why = problem(); !why.empty()) return why;
  try {
    fs::create_directories(folder_.parent_path());
    if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
      return fmt::format("{}: {}", folder_.string(), std::strerror(errno));
    write_file_atomically(file_of(key), [&](const TextSink& sink) {
      sink(first_line(key, text_of(code)));
      sink(text_of(code));
    });
    remove_oldest();
  } catch (const std::exception& e) {  // a full disk, a folder that may not be written to
    return e.what();
  }
  return "";
}

void KernelCache::remove_oldest() const {
  std::error_code ignored;
  const auto now = fs::file_time_type::clock::now();
  for (const KeptFile& left : files_of(folder_, kTemporary))
    if (now - left.used > kLeftBehind) fs::remove(left.path, ignored);
  std::vector<KeptFile> all = files_of(folder_, kSuffix);
  std::sort(all.begin(), all.end(), [](const KeptFile& a, const KeptFile& b) { return a.used > b.used; });
  uint64_t bytes = 0;
  for (const KeptFile& kept : all) {
    bytes += kept.bytes;
    if (bytes > most_bytes_) fs::remove(kept.path, ignored);
  }
}

KernelCache::Size KernelCache::size() const {
  Size all;
  for (const KeptFile& kept : files_of(folder_, kSuffix)) ++all.kernels, all.bytes += kept.bytes;
  return all;
}

}  // namespace equipoise
