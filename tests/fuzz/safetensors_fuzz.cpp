// tests/fuzz/safetensors_fuzz.cpp - libFuzzer target: no bytes crash the safetensors reader, and what it takes it
// rewrites.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "engine/base/error.h"
#include "engine/files/safetensors.h"
#include "engine/files/safetensors_header.h"
#include "tests/fuzz/fuzz_target.h"

EQUIPOISE_FUZZ_TARGET(safetensors) {
  using namespace equipoise;
  using fuzz::require;
  TensorFile file;
  try {
    file = parse_safetensors(std::as_bytes(std::span(bytes, size)), "fuzz");
  } catch (const Error& error) {
    require(error.code() == ExitCode::checkpoint);
    return;
  }
  size_t stored = 0;
  for (const auto& [name, tensor] : file.tensors) {
    const auto elements = static_cast<size_t>(tensor.elements());
    require(tensor.to_doubles().size() == elements && tensor.to_floats().size() == elements);
    stored += tensor.bytes.size();
  }
  require(stored <= size);

  const SafetensorsLayout layout = lay_out_safetensors(file, "fuzz");
  std::vector<std::byte> again(layout.head.size());
  std::memcpy(again.data(), layout.head.data(), again.size());
  for (const StoredTensor* tensor : layout.body) again.insert(again.end(), tensor->bytes.begin(), tensor->bytes.end());
  const TensorFile second = parse_safetensors(again, "fuzz");
  require(second.tensors == file.tensors && second.metadata == file.metadata);
}
