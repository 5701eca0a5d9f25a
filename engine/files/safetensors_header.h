// engine/files/safetensors_header.h - the JSON header of a safetensors file: checked when read, canonical when written.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/files/atomic_file.h"
#include "engine/files/safetensors.h"

namespace equipoise {

inline constexpr uint64_t kSafetensorsMaxHeader = uint64_t{16} << 20;  // bytes of JSON
inline constexpr size_t kSafetensorsMaxRank = 8;

/// Where one tensor lies in the data that follows the header.
struct TensorRange {
  std::string name;
  ElementType type;
  std::vector<int64_t> shape;
  uint64_t begin;  // bytes from the start of the data
  uint64_t end;    // one past the last byte; end - begin == elements * element size
};

struct SafetensorsHeader {
  std::vector<TensorRange> ranges;  // by begin; together they cover the data without gap or overlap
  std::map<std::string, std::string> metadata;
};

/// Whether a file that begins so is a zip archive: numpy.savez and torch.save write such.
bool is_zip_archive(std::string_view first_bytes);

/// The header's length in bytes from the first 8 bytes of a file of `file_bytes`; checked against both limits.
uint64_t safetensors_header_length(std::string_view first_bytes, uint64_t file_bytes, const std::string& path);

/// Parses and checks the JSON of a file whose data section has `data_bytes` bytes. Throws Error(checkpoint) naming
/// `path`.
SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t data_bytes, const std::string& path);

/// A file as it will be written: `head` (length and JSON, a multiple of 8 bytes) and then the bytes of `body` in order.
/// Wide elements come first, so that every tensor starts at a multiple of its element size; then by name.
struct SafetensorsLayout {
  std::string head;
  std::vector<const StoredTensor*> body;

  void hand_to(const TextSink& sink) const;
};

/// The layout points into `file`. Throws Error(checkpoint) naming `path` for what a reader would refuse.
SafetensorsLayout lay_out_safetensors(const TensorFile& file, const std::string& path);
SafetensorsLayout lay_out_safetensors(TensorFile&& file, const std::string& path) = delete;

}  // namespace equipoise
