// engine/files/npy.h - NumPy's array files, read as if an enemy had written them.
// Format: magic, version, header length, a header that is a Python dictionary of descr, fortran_order and shape, then
// the elements (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). Versions 1 to 3.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/files/safetensors.h"

namespace equipoise {

/// Whether a file that begins so is an array file.
bool is_npy(std::span<const std::byte> beginning);

/// The array, row-major and little-endian whatever it is in the file. Floating point of 2, 4 or 8
/// bytes, whole numbers of 1 to 8, truth values. Throws
/// Error(file_system) if the file cannot be read, Error(data) if anything about it is not as the format says.
StoredTensor read_npy(const std::filesystem::path& path);

/// The same from memory; `path` is for messages.
StoredTensor parse_npy(std::vector<std::byte> content, const std::string& path);

/// The bytes of a float32 array's file, version 1. Throws Error(checkpoint) for another type of element.
std::string npy_file(const StoredTensor& array);

}  // namespace equipoise
