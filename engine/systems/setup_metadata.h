// engine/systems/setup_metadata.h - a setup as the metadata of a record, a model or a checkpoint, and back.
#pragma once

#include <map>
#include <string>

#include "engine/files/safetensors.h"
#include "engine/systems/setup.h"

namespace equipoise {

/// Settings as metadata keys; sizes are left to the tensors of the file.
std::map<std::string, std::string> to_metadata(const Setup& setup);

/// The setup of a file with its sizes, which are read off the parameters' shapes; these are named with `prefix` before
/// their names. Throws Error(checkpoint) for a system or a value that is not understood, or a shape that cannot be.
Setup read_setup(const TensorFile& file, const std::string& prefix);

}  // namespace equipoise
