// engine/files/atomic_file.cpp - files that are whole or absent, logs of whole lines, and the lock on a run folder.
#include "engine/files/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <stdexcept>

#include "engine/base/error.h"

namespace equipoise {
namespace {

/// What a lock holds, before the number of the process.
constexpr std::string_view kOwner = "pid ";

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// A new file beside `target`, removed again unless it took the target's name.
class Temporary {
 public:
  explicit Temporary(const std::filesystem::path& target) : target_(target) {
    // Not derived from the target's name, which may already be as long as the file system allows. A number is taken
    // when an earlier process with our id was killed and left its file, or another thread writes in this folder.
    for (int number = 0;; ++number) {
      path_ = folder_of(target) / fmt::format(".equipoise-{}-{}.tmp", ::getpid(), number);
      const int descriptor = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor >= 0) {
        file_ = FileDescriptor(descriptor);
        return;
      }
      if (errno != EEXIST && errno != EINTR) throw_file_error(target, "create a file in its folder", errno);
    }
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!renamed_) ::unlink(path_.c_str());
  }

  void write(std::span<const std::byte> piece) { write_all(file_.get(), piece, target_); }

  void take_name() {
    sync_file(file_.get(), target_);
    file_.close(target_);
    if (::rename(path_.c_str(), target_.c_str()) != 0) throw_file_error(target_, "put the new file in place", errno);
    renamed_ = true;
  }

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  FileDescriptor file_;
  bool renamed_ = false;
};

/// Makes a rename in `folder` last. File systems that cannot sync a folder say EINVAL; there is nothing more to do
/// there.
void sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor handle = open_file(folder, O_RDONLY | O_DIRECTORY);
  while (::fsync(handle.get()) != 0) {
    if (errno == EINVAL) return;
    if (errno != EINTR) throw_file_error(folder, "bring the folder to disk", errno);
  }
}

struct LineCount {
  uint64_t lines;
  uint64_t bytes;  // up to and with the last newline counted
};

/// Counts whole lines from the start of the file, at most `limit` of them.
LineCount count_lines(int descriptor, uint64_t limit, const std::filesystem::path& path) {
  LineCount found{0, 0};
  std::array<std::byte, 1 << 16> buffer;
  for (uint64_t offset = 0; found.lines < limit;) {
    const size_t count = read_at(descriptor, offset, buffer, path);
    if (count == 0) break;
    const std::string_view text(reinterpret_cast<const char*>(buffer.data()), count);
    for (size_t end = text.find('\n'); end != text.npos && found.lines < limit; end = text.find('\n', end + 1))
      found = {found.lines + 1, offset + end + 1};
    offset += count;
  }
  return found;
}

void set_size(int descriptor, uint64_t size, const std::filesystem::path& path) {
  while (::ftruncate(descriptor, static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) throw_file_error(path, "cut the file", errno);
  }
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

void write_file_atomically(const std::filesystem::path& path, const TextSource& content) {
  Temporary temporary(path);
  hand_over(content, [&](std::string_view piece) { temporary.write(bytes_of(piece)); });
  temporary.take_name();
  sync_folder(folder_of(path));
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  write_file_atomically(path, [&](const TextSink& sink) { sink(content); });
}

void hand_over(const TextSource& source, const TextSink& sink) {
  constexpr size_t kPiece = size_t{1} << 16;
  std::string gathered;
  const auto hand_on = [&] {
    if (!gathered.empty()) sink(gathered);
    gathered.clear();
  };
  source([&](std::string_view text) {
    if (text.size() >= kPiece) {
      hand_on();
      sink(text);
      return;
    }
    gathered += text;
    if (gathered.size() >= kPiece) hand_on();
  });
  hand_on();
}

std::string read_text(const std::filesystem::path& path, size_t limit) {
  const FileDescriptor file = open_file(path, O_RDONLY);
  const auto refuse = [&] {
    throw Error(ExitCode::file_system,
                fmt::format("{}: holds more than the {} bytes allowed here; give another file", path.string(), limit));
  };
  struct stat status {};
  if (::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && static_cast<uint64_t>(status.st_size) > limit)
    refuse();
  std::string text;
  std::array<char, 1 << 16> buffer;
  for (;;) {
    // read(2), not pread: a pipe is as good as a file here.
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_file_error(path, "read", errno);
    if (count == 0) return text;
    if (static_cast<size_t>(count) > limit - text.size()) refuse();
    text.append(buffer.data(), static_cast<size_t>(count));
  }
}

AppendLog::AppendLog(const std::filesystem::path& path)
    : path_(path), file_(open_regular_file(path, O_RDWR | O_CREAT | O_APPEND)) {
  const LineCount whole = count_lines(file_.get(), UINT64_MAX, path_);
  lines_ = whole.lines;
  size_ = whole.bytes;
}

void AppendLog::append_line(std::string_view line) {
  if (line.find('\n') != std::string_view::npos) throw std::invalid_argument("a log line holds a newline");
  const std::string whole = std::string(line) + '\n';
  if (torn_) set_size(file_.get(), size_, path_);
  torn_ = false;
  try {
    write_all(file_.get(), bytes_of(whole), path_);
  } catch (const Error&) {
    // Without this the next line would be glued to the torn one. If even cutting fails, the next opening cuts.
    [[maybe_unused]] const int cut = ::ftruncate(file_.get(), static_cast<off_t>(size_));
    throw;
  }
  lines_ += 1;
  size_ += whole.size();
}

void AppendLog::each_line(uint64_t lines, const TextSink& visit) const {
  std::array<std::byte, 1 << 16> buffer;
  std::string line;
  uint64_t visited = 0;
  for (uint64_t offset = 0; visited < std::min(lines, lines_);) {
    const size_t count = read_at(file_.get(), offset, buffer, path_);
    if (count == 0) throw_file_error(path_, "read to its end", EIO);  // it was cut meanwhile
    offset += count;
    std::string_view rest(reinterpret_cast<const char*>(buffer.data()), count);
    for (size_t end = rest.find('\n'); end != rest.npos && visited < lines; end = rest.find('\n')) {
      visit(line += rest.substr(0, end));
      line.clear();
      rest.remove_prefix(end + 1);
      ++visited;
    }
    line += rest;
    if (line.size() > kLongestLine)
      throw Error(ExitCode::checkpoint,
                  fmt::format("{}: line {} holds more than {} bytes; no run writes such, the file "
                              "was changed",
                              path_.string(), visited + 1, kLongestLine));
  }
}

void AppendLog::truncate_after(uint64_t lines) {
  if (lines > lines_) {
    throw Error(
        ExitCode::checkpoint,
        fmt::format("{}: holds {} lines where the checkpoint was made after {}; restore the log or start afresh",
                    path_.string(), lines_, lines));
  }
  const LineCount kept = count_lines(file_.get(), lines, path_);
  set_size(file_.get(), kept.bytes, path_);
  torn_ = false;
  lines_ = kept.lines;
  size_ = kept.bytes;
}

void AppendLog::sync() { sync_file(file_.get(), path_); }

RunLock::RunLock(const std::filesystem::path& folder) : folder_(folder) {
  const std::filesystem::path path = folder / kName;
  file_ = open_regular_file(path, O_RDWR | O_CREAT);
  std::array<std::byte, 32> bytes;
  const size_t count = read_at(file_.get(), 0, bytes, path);
  const std::string_view owner(reinterpret_cast<const char*>(bytes.data()), count);
  if (count == bytes.size() || !(owner.starts_with(kOwner) || kOwner.starts_with(owner)))
    throw Error(ExitCode::file_system,
                fmt::format("{}: is no lock of a run; move it away, or choose another folder", path.string()));
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw_file_error(path, "lock", errno);
    throw Error(ExitCode::file_system,
                fmt::format("{}: in use by another process ({}); wait for it to end or choose another folder",
                            folder.string(), owner));
  }
  set_size(file_.get(), 0, path);
  write_all(file_.get(), bytes_of(fmt::format("{}{}", kOwner, ::getpid())), path);
}

void RunLock::expect_held() const {
  struct stat held {};
  struct stat there {};
  if (::fstat(file_.get(), &held) != 0) throw_file_error(folder_, "look at its lock", errno);
  if (::lstat((folder_ / kName).c_str(), &there) == 0 && there.st_dev == held.st_dev && there.st_ino == held.st_ino)
    return;
  throw Error(
      ExitCode::file_system,
      fmt::format("{}: was moved or removed while it was in use; nothing more is written there", folder_.string()));
}

}  // namespace equipoise
