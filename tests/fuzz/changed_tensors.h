// tests/fuzz/changed_tensors.h - a sound file of tensors, changed as an input says.
#pragma once

#include <cstring>
#include <iterator>

#include "engine/files/safetensors.h"
#include "tests/fuzz/fuzz_target.h"

namespace equipoise::fuzz {

/// Overwrites bytes of a tensor, drops one, changes a shape or a type, or a part of the metadata.
inline void change(TensorFile& file, Input& input) {
  if (input.choice(3) == 0 && !file.metadata.empty()) {
    auto entry = std::next(file.metadata.begin(), static_cast<std::ptrdiff_t>(input.choice(file.metadata.size() - 1)));
    std::string& text = entry->second;
    const size_t at = input.choice(text.size());
    text.replace(at, input.choice(text.size() - at), input.text(24));
    return;
  }
  if (file.tensors.empty()) return;
  auto entry = std::next(file.tensors.begin(), static_cast<std::ptrdiff_t>(input.choice(file.tensors.size() - 1)));
  StoredTensor& tensor = entry->second;
  const size_t what = input.choice(15);
  if (what == 0) {
    file.tensors.erase(entry);
  } else if (what == 1) {
    tensor.shape.push_back(1);
  } else if (what == 2 && element_size(tensor.type) == 4) {
    tensor.type = tensor.type == ElementType::f32 ? ElementType::i32 : ElementType::f32;
  } else if (!tensor.bytes.empty()) {
    const size_t width = element_size(tensor.type);
    const size_t at = input.choice(tensor.bytes.size() / width - 1) * width;
    const uint64_t value = input.number(width);
    std::memcpy(tensor.bytes.data() + at, &value, width);
  }
}

/// As many changes as it says, four at most.
inline TensorFile changed(TensorFile file, Input& input) {
  for (size_t changes = 1 + input.choice(3); changes > 0; --changes) change(file, input);
  return file;
}

}  // namespace equipoise::fuzz
