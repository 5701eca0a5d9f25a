// engine/files/file_descriptor.cpp - an owned POSIX file descriptor, with reads and writes that are whole or throw.
#include "engine/files/file_descriptor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine/base/error.h"
#include "engine/base/machine_memory.h"

namespace equipoise {

void throw_file_error(const std::filesystem::path& path, const std::string& what, int error) {
  throw Error(ExitCode::file_system,
              fmt::format("{}: cannot {}: {}", path.string(), what, std::generic_category().message(error)));
}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FileDescriptor::close(const std::filesystem::path& path) {
  // Linux frees the descriptor even when close() is interrupted, so it is never called twice.
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) throw_file_error(path, "finish writing", errno);
}

FileDescriptor open_file(const std::filesystem::path& path, int flags) {
  for (;;) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    if (descriptor >= 0) return FileDescriptor(descriptor);
    if (errno != EINTR) {
      throw_file_error(path, (flags & O_ACCMODE) == O_RDONLY ? "open for reading" : "open for writing", errno);
    }
  }
}

FileDescriptor open_regular_file(const std::filesystem::path& path, int flags) {
  FileDescriptor file = open_file(path, flags | O_NOFOLLOW | O_NONBLOCK);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_file_error(path, "look at", errno);
  if (!S_ISREG(status.st_mode))
    throw Error(ExitCode::file_system, fmt::format("{}: is no regular file; remove it", path.string()));
  if ((flags & O_ACCMODE) != O_RDONLY && status.st_nlink > 1)
    throw Error(ExitCode::file_system,
                fmt::format("{}: has another name elsewhere (a hard link), and what is written to "
                            "it would be written there; put a copy in its place",
                            path.string()));
  return file;
}

void write_all(int descriptor, std::span<const std::byte> content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t count = ::write(descriptor, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_file_error(path, "write", errno);
    if (count == 0) throw_file_error(path, "write", EIO);  // would otherwise repeat for ever
    content = content.subspan(static_cast<size_t>(count));
  }
}

size_t read_at(int descriptor, uint64_t offset, std::span<std::byte> content, const std::filesystem::path& path) {
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t count =
        ::pread(descriptor, content.data() + done, content.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_file_error(path, "read", errno);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

uint64_t bytes_to_load(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw_file_error(path, "look at", errno);
  if (!S_ISREG(status.st_mode))
    throw Error(ExitCode::file_system, fmt::format("{}: is not a regular file; write it to one first", path.string()));
  const auto bytes = static_cast<uint64_t>(status.st_size);
  if (status.st_size > machine_memory() / 2) throw_too_large(path, bytes);
  return bytes;
}

void throw_too_large(const std::filesystem::path& path, uint64_t bytes) {
  throw Error(ExitCode::file_system,
              fmt::format("{}: {} bytes do not fit in memory; read it on a larger machine", path.string(), bytes));
}

void sync_file(int descriptor, const std::filesystem::path& path) {
  while (::fsync(descriptor) != 0) {
    if (errno != EINTR) throw_file_error(path, "bring to disk", errno);
  }
}

}  // namespace equipoise
