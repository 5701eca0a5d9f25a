// tests/fuzz/npy_fuzz.cpp - libFuzzer target: any bytes are either a whole array or refused with an Error.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/error.h"
#include "engine/files/npy.h"
#include "tests/fuzz/fuzz_target.h"

EQUIPOISE_FUZZ_TARGET(npy) {
  using namespace equipoise;
  using fuzz::require;
  const auto content = std::as_bytes(std::span(bytes, size));
  try {
    const StoredTensor tensor = parse_npy({content.begin(), content.end()}, "fuzz.npy");
    require(is_npy(content) && tensor.bytes.size() < size);
    require(tensor.to_doubles().size() == static_cast<size_t>(tensor.elements()));
  } catch (const Error& error) {
    require(error.code() == ExitCode::data);
  }
}
