// host/run/gradient_file.cpp - looks at a file's beginning.
#include "host/run/gradient_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "engine/base/error.h"
#include "engine/files/file_descriptor.h"
#include "engine/files/npy.h"
#include "engine/files/safetensors_header.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

/// Whether it may be text; the length that begins a safetensors file has zero bytes.
bool is_text(std::string_view beginning) {
  return !beginning.empty() && std::all_of(beginning.begin(), beginning.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n' || c == '\r';
  });
}

std::string in_python(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += (c == '\'' || c == '\\' ? "\\" : "") + std::string(1, c);
  return quoted + "'";
}

/// A line of Python that makes an array of a table.
std::string conversion(const fs::path& path, std::string_view beginning) {
  const std::string_view first = beginning.substr(0, beginning.find_first_of("\r\n"));
  std::string options;
  for (const auto& [separator, word] : {std::pair{',', "','"}, {';', "';'"}, {'\t', "'\\t'"}})
    if (options.empty() && first.find(separator) != std::string_view::npos)
      options = std::string(", delimiter=") + word;
  const bool names = std::any_of(first.begin(), first.end(), [](char c) {
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'z' && lower != 'e';
  });
  if (names) options += ", skiprows=1";
  fs::path array = path;
  array.replace_extension(".npy");
  return fmt::format("numpy.save({}, numpy.loadtxt({}{}))", in_python(array.string()), in_python(path.string()),
                     options);
}

}  // namespace

TensorFile read_gradient_file(const fs::path& path) {
  std::array<char, 512> bytes;
  const std::size_t read = read_at(open_file(path, O_RDONLY).get(), 0, std::as_writable_bytes(std::span(bytes)), path);
  const std::string_view beginning(bytes.data(), read);
  if (is_npy(std::as_bytes(std::span(beginning)))) return {{{"", read_npy(path)}}, {}, path.string()};
  if (is_zip_archive(beginning))
    throw Error(
        ExitCode::data,
        fmt::format("{}: is a zip archive, as numpy.savez and torch.save write them; gradients are read from one "
                    "array as numpy.save writes it, or from safetensors: numpy.save('grads.npy', array)",
                    path.string()));
  if (is_text(beginning))
    throw Error(
        ExitCode::data,
        fmt::format("{}: is a text, and gradients are read as .npy or safetensors; of a table of numbers, a row "
                    "a task, Python makes one: {}",
                    path.string(), conversion(path, beginning)));
  try {
    return read_safetensors(path);
  } catch (const Error& error) {  // gradients are data here, not a checkpoint
    throw Error(error.code() == ExitCode::checkpoint ? ExitCode::data : error.code(), error.what());
  }
}

}  // namespace equipoise
