// host/study/stacked_models.h - models of one structure in one file: each tensor is [models, shape of one], as
// torch.func.functional_call under vmap takes them.
#pragma once

#include <span>
#include <vector>

#include "engine/files/safetensors.h"

namespace equipoise {

/// True if the tensors have the same names, types and shapes.
bool same_structure(const TensorFile& a, const TensorFile& b);

/// Stacks model files of one structure, at least one (logic_error). Metadata in which all agree stand under their own
/// keys, the others of each model in `models`, a JSON array of objects.
TensorFile stack_models(std::span<const TensorFile* const> models);

/// The models of such a file, each as it was stacked, with `path` for messages. Throws Error(checkpoint) on a file that
/// stack_models could not have made.
std::vector<TensorFile> unstack_models(const TensorFile& stacked);

}  // namespace equipoise
