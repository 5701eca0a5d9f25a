// host/run/gradient_file.h - files of gradients that a user brings, by what is in them and not by their name.
#pragma once

#include <filesystem>

#include "engine/files/safetensors.h"

namespace equipoise {

/// The tensors of a safetensors file; an .npy file holds one without a name. Throws Error(file_system) if it cannot be
/// read, Error(data) if it is neither, saying of a zip archive or a text what to make of it.
TensorFile read_gradient_file(const std::filesystem::path& path);

}  // namespace equipoise
