// engine/files/file_descriptor.h - an owned POSIX file descriptor, with reads and writes that are whole or throw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

namespace equipoise {

/// Throws Error(file_system): "PATH: cannot WHAT: strerror(error)".
[[noreturn]] void throw_file_error(const std::filesystem::path& path, const std::string& what, int error);

/// Owns one open descriptor and closes it; an empty one holds -1.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  int get() const noexcept { return descriptor_; }
  bool open() const noexcept { return descriptor_ >= 0; }
  /// Closes and reports what close() said: a network file system may tell of a failed write only here.
  void close(const std::filesystem::path& path);

 private:
  int descriptor_ = -1;
};

/// open(2) with O_CLOEXEC, retried when interrupted; new files get mode 0666 less the umask. Throws Error(file_system).
FileDescriptor open_file(const std::filesystem::path& path, int flags);

/// The same for a file of our own, which is a regular one: throws where a link, a folder, a pipe or a device is in its
/// place, and never waits for one; to be written to, it has no second name (hard link) either.
FileDescriptor open_regular_file(const std::filesystem::path& path, int flags);

/// Writes every byte: short writes are continued, interrupted ones repeated. Throws Error(file_system) naming `path`.
void write_all(int descriptor, std::span<const std::byte> content, const std::filesystem::path& path);

/// Reads up to content.size() bytes at `offset` (pread) and returns how many there were before the end of the file.
size_t read_at(int descriptor, uint64_t offset, std::span<std::byte> content, const std::filesystem::path& path);

/// Bytes of a file that is to be read whole. Throws Error(file_system) where it is no regular one, and
/// throw_too_large's where it, and what is made of it, would not fit in this process's memory.
uint64_t bytes_to_load(int descriptor, const std::filesystem::path& path);

/// Throws Error(file_system): "PATH: N bytes do not fit in memory; ...".
[[noreturn]] void throw_too_large(const std::filesystem::path& path, uint64_t bytes);

/// fsync(2), retried when interrupted. Throws Error(file_system).
void sync_file(int descriptor, const std::filesystem::path& path);

}  // namespace equipoise
