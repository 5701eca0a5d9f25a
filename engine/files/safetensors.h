// engine/files/safetensors.h - files of named tensors, read as if an enemy had written them and written whole or not at
// all. Format: 8 bytes little-endian header length, that many bytes of JSON, then the tensors' bytes without gaps
// (https://huggingface.co/docs/safetensors).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace equipoise {

enum class ElementType { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

/// Bytes of one element.
size_t element_size(ElementType type);
/// The format's name of the type, such as "F32".
std::string_view element_name(ElementType type);

/// One tensor: row-major elements, little-endian, kept as the bytes of the file so that even NaN payloads survive.
struct StoredTensor {
  ElementType type = ElementType::f32;
  std::vector<int64_t> shape;    // empty for a scalar
  std::vector<std::byte> bytes;  // [elements() * element_size(type)]

  /// Product of the shape. Throws Error(checkpoint) if it is negative or beyond 64 bits.
  int64_t elements() const;

  /// Any type converts: a true boolean is 1, a 64-bit integer beyond 2^53 is rounded.
  std::vector<double> to_doubles() const;
  /// As to_doubles, rounded to nearest; F32 is copied bit for bit.
  std::vector<float> to_floats() const;
  /// Integers and booleans only; throws Error(checkpoint) for others and for unsigned values beyond int64.
  std::vector<int64_t> to_int64s() const;

  // Each throws Error(checkpoint) unless there are as many values as the shape says.
  static StoredTensor from_doubles(std::vector<int64_t> shape, std::span<const double> values);
  static StoredTensor from_floats(std::vector<int64_t> shape, std::span<const float> values);
  static StoredTensor from_int64(std::vector<int64_t> shape, std::span<const int64_t> values);
  static StoredTensor from_int32(std::vector<int64_t> shape, std::span<const int32_t> values);
  static StoredTensor from_uint64(std::vector<int64_t> shape, std::span<const uint64_t> values);
  static StoredTensor from_uint8(std::vector<int64_t> shape, std::span<const uint8_t> values);

  bool operator==(const StoredTensor&) const = default;
};

struct TensorFile {
  std::map<std::string, StoredTensor> tensors;
  std::map<std::string, std::string> metadata;
  std::string path;  // where it was read from, for messages; not written

  /// Throws Error(checkpoint) naming the file and the tensor if there is none.
  const StoredTensor& at(const std::string& name) const;
  /// Throws Error(checkpoint) naming the file and the key if there is none.
  const std::string& metadata_at(const std::string& key) const;
  /// to_int64s() of the tensor, with its name in what is wrong.
  std::vector<int64_t> integers_at(const std::string& name) const;
};

/// Reads a whole file (pread). Throws Error(file_system) if it cannot be read, Error(checkpoint) if anything about it
/// is not as the format says; nothing is allocated on the word of the header alone.
TensorFile read_safetensors(const std::filesystem::path& path);

/// The same from memory; `path` is for messages.
TensorFile parse_safetensors(std::span<const std::byte> content, std::string path);

/// Writes the file atomically. Equal tensors and metadata give equal bytes, whatever the order they were added in.
/// Throws Error(checkpoint) for what could not be read back, Error(file_system) if writing fails.
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);

}  // namespace equipoise
