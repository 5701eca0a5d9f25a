// host/run/output_file.cpp - what stands at the path decides how it is written.
#include "host/run/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <span>
#include <string>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/safetensors_header.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

/// The number of the descriptor of this process that a path names, as /dev/stdout does. Opened by its name a file
/// behind it would be written from its start, over what the shell has appended to.
std::optional<int> descriptor_named(const fs::path& path) {
  const std::string name = fs::absolute(path).lexically_normal().string();
  if (name == "/dev/stdout") return STDOUT_FILENO;
  if (name == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!name.starts_with(folder)) continue;
    int number = -1;
    const char* end = name.data() + name.size();
    const auto [rest, problem] = std::from_chars(name.data() + folder.size(), end, number);
    if (problem == std::errc{} && rest == end && number >= 0) return number;
  }
  return std::nullopt;
}

/// Whether `path` leads to something that is written to and not replaced.
bool takes_bytes(const fs::path& path) {
  std::error_code absent;
  const fs::file_status status = fs::status(path, absent);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

/// Hands the text to an open file; a descriptor that blocks is waited for.
void write_to(int descriptor, const TextSource& text, const fs::path& path) {
  hand_over(text, [&](std::string_view piece) { write_all(descriptor, std::as_bytes(std::span(piece)), path); });
}

/// A link to a file, or to none: what it leads to is not what was named, and is written by its own name alone.
void expect_no_link(const fs::path& path) {
  std::error_code absent;
  if (!fs::is_symlink(path, absent)) return;
  throw Error(ExitCode::file_system, fmt::format("--out {}: is a link to {}; name that file itself", path.string(),
                                                 fs::read_symlink(path, absent).string()));
}

}  // namespace

void expect_may_write(const fs::path& path, bool force) {
  if (descriptor_named(path) || takes_bytes(path)) return;
  std::error_code absent;
  if (fs::is_directory(path, absent))
    throw Error(ExitCode::file_system, fmt::format("--out {}: is a folder; name a file in it", path.string()));
  expect_no_link(path);
  if (fs::exists(path, absent) && !force)
    throw Error(
        ExitCode::file_system,
        fmt::format("--out {}: exists already; add --force to replace it, or name another file", path.string()));
}

void expect_not_input(const fs::path& path, const fs::path& input, std::string_view what) {
  std::error_code absent;
  if (fs::is_regular_file(path, absent) && fs::equivalent(path, input, absent))
    throw Error(ExitCode::usage, fmt::format("--out {}: is {} itself; name another file", path.string(), what));
}

void expect_not_table(const fs::path& path, std::span<const fs::path> tables) {
  for (const fs::path& table : tables) expect_not_input(path, table, "a table that is read");
}

void write_output(const fs::path& path, const TextSource& text, bool force) {
  if (const std::optional<int> number = descriptor_named(path)) return write_to(*number, text, path);
  if (takes_bytes(path)) {
    FileDescriptor file = open_file(path, O_WRONLY);
    write_to(file.get(), text, path);
    return file.close(path);
  }
  expect_may_write(path, force);
  write_file_atomically(path, text);
}

void write_output(const fs::path& path, const TensorFile& file, bool force) {
  const SafetensorsLayout layout = lay_out_safetensors(file, path.string());
  write_output(
      path, [&](const TextSink& sink) { layout.hand_to(sink); }, force);
}

}  // namespace equipoise
