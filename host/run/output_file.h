// host/run/output_file.h - files that a command writes because --out names them: never over what is there unasked.
//
// A new file appears whole or not at all. What is no regular file - a pipe, a terminal, /dev/null, /dev/stdout and its
// kin - is written to as it is, and never replaced.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "engine/files/atomic_file.h"
#include "engine/files/safetensors.h"

namespace equipoise {

/// Throws Error(file_system) if writing to `path` would replace a file and `force` is not given, or if it is a folder.
/// Asked before work that takes long; write_output asks again.
void expect_may_write(const std::filesystem::path& path, bool force);

/// Throws Error(usage) if `path` is the file `input`, which `what` names ("the record"): --force does not mean that.
void expect_not_input(const std::filesystem::path& path, const std::filesystem::path& input, std::string_view what);
/// The same of tables that are read.
void expect_not_table(const std::filesystem::path& path, std::span<const std::filesystem::path> tables);

/// Writes the text or the tensors to `path`. A regular file of that name is refused as above; with `force` it is
/// replaced. A link to a file or to nothing is refused by what it leads to, with `force` or without; one to a pipe or a
/// device is written through. Throws Error(file_system) if the system refuses.
void write_output(const std::filesystem::path& path, const TextSource& text, bool force);
void write_output(const std::filesystem::path& path, const TensorFile& file, bool force);

}  // namespace equipoise
