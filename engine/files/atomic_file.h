// engine/files/atomic_file.h - files that are whole or absent, logs of whole lines, and the lock on a run folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "engine/files/file_descriptor.h"

namespace equipoise {

/// Bytes that are handed over piece by piece, in its order, and so need not stand in memory whole.
using TextSink = std::function<void(std::string_view)>;
using TextSource = std::function<void(const TextSink&)>;

/// Has `source` hand its text to `sink` in pieces of 64 KiB or more, however small those are that it makes.
void hand_over(const TextSource& source, const TextSink& sink);

/// Replaces `path` by `content`. Written to a hidden temporary in the same folder, brought to disk, renamed, and
/// the folder brought to disk: after a crash the old file or the new one is there, never part of one. On any failure
/// the temporary is removed, the old file stays and Error(file_system) names the path and the system's reason; so it
/// is where the source throws.
void write_file_atomically(const std::filesystem::path& path, const TextSource& content);
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// The whole file. Throws Error(file_system) if it cannot be read or holds more than `limit` bytes, before it is read
/// where its size tells.
std::string read_text(const std::filesystem::path& path, size_t limit = size_t{1} << 30);

/// A file that grows by whole lines. Opening creates it if absent. A last line without its newline, the mark of a
/// process that was killed while it wrote, counts as none, and is cut off once lines are added or taken away. Throws
/// Error(file_system), too, where a link or anything but a regular file is in its place.
class AppendLog {
 public:
  static constexpr size_t kLongestLine = size_t{4} << 20;

  explicit AppendLog(const std::filesystem::path& path);

  /// Whole lines in the file.
  uint64_t lines() const noexcept { return lines_; }
  /// Adds `line` and a newline. A failed write leaves the file as it was. `line` holds no newline (invalid_argument).
  void append_line(std::string_view line);
  /// Hands over the first `lines` lines, or all if there are fewer, without their newlines; one is in memory at a time.
  /// Throws Error(file_system), and Error(checkpoint) for a line of more than kLongestLine bytes.
  void each_line(uint64_t lines, const TextSink& visit) const;
  /// Keeps the first `lines` lines. Throws Error(checkpoint) if the file holds fewer.
  void truncate_after(uint64_t lines);
  /// Brings the lines to disk, for a checkpoint that relies on them.
  void sync();

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
  uint64_t lines_ = 0;
  uint64_t size_ = 0;  // bytes of those lines
  bool torn_ = true;   // more bytes may follow them
};

/// Holds a run folder for this process while it lives: an exclusive flock on FOLDER/.lock, which the system releases
/// however the process ends. A second holder gets Error(file_system) naming the folder and the first one's process id;
/// so does whoever finds a link or anything but a regular file there, or a file that no lock wrote.
class RunLock {
 public:
  static constexpr const char* kName = ".lock";

  explicit RunLock(const std::filesystem::path& folder);

  /// Throws Error(file_system) if the folder of that name is no longer the one that is held: it was moved or removed,
  /// and whatever stands in its place belongs to somebody else.
  void expect_held() const;

 private:
  std::filesystem::path folder_;
  FileDescriptor file_;
};

}  // namespace equipoise
