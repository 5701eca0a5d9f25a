// tests/fuzz/npy_fuzz.cpp - libFuzzer target: any bytes are either a whole array or refused with an Error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "engine/base/error.h"
#include "engine/files/npy.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace equipoise;
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const StoredTensor tensor = parse_npy({bytes.begin(), bytes.end()}, "fuzz.npy");
    require(is_npy(bytes) && tensor.bytes.size() < size);
    require(tensor.to_doubles().size() == static_cast<size_t>(tensor.elements()));
  } catch (const Error& error) {
    require(error.code() == ExitCode::data);
  }
  return 0;
}
