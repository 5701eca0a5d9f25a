// engine/files/safetensors.cpp - files of named tensors, read as if an enemy had written them and written whole or not
// at all.
#include "engine/files/safetensors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/file_descriptor.h"
#include "engine/files/safetensors_header.h"

namespace equipoise {
namespace {

static_assert(std::endian::native == std::endian::little, "stored bytes are used as they are");

struct Half {
  uint16_t bits;
};
struct BrainFloat {
  uint16_t bits;
};
struct Boolean {
  uint8_t byte;
};

/// IEEE binary16: sign, 5 bits of exponent with bias 15, 10 bits of fraction.
double to_double(Half half) {
  const double sign = half.bits & 0x8000 ? -1.0 : 1.0;
  const int exponent = half.bits >> 10 & 31;
  const int fraction = half.bits & 1023;
  if (exponent == 31) {
    return std::copysign(fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity(),
                         sign);
  }
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25));
}

/// bfloat16 is the upper half of a binary32.
double to_double(BrainFloat brain) { return std::bit_cast<float>(uint32_t{brain.bits} << 16); }
double to_double(Boolean boolean) { return boolean.byte != 0; }
template <class Number>
double to_double(Number number) {
  return static_cast<double>(number);
}

/// Calls visit(Element{}) with the C++ type that holds an element.
template <class Visitor>
decltype(auto) with_element(ElementType type, Visitor&& visit) {
  switch (type) {
    case ElementType::f64:
      return visit(double{});
    case ElementType::f32:
      return visit(float{});
    case ElementType::f16:
      return visit(Half{});
    case ElementType::bf16:
      return visit(BrainFloat{});
    case ElementType::i64:
      return visit(int64_t{});
    case ElementType::i32:
      return visit(int32_t{});
    case ElementType::i16:
      return visit(int16_t{});
    case ElementType::i8:
      return visit(int8_t{});
    case ElementType::u64:
      return visit(uint64_t{});
    case ElementType::u32:
      return visit(uint32_t{});
    case ElementType::u16:
      return visit(uint16_t{});
    case ElementType::u8:
      return visit(uint8_t{});
    case ElementType::boolean:
      break;
  }
  return visit(Boolean{});
}

/// convert(element) of each stored element.
template <class Result, class Convert>
std::vector<Result> converted(const StoredTensor& tensor, Convert convert) {
  return with_element(tensor.type, [&](auto element) {
    std::vector<Result> values(tensor.bytes.size() / sizeof element);
    for (size_t i = 0; i < values.size(); ++i) {
      std::memcpy(&element, tensor.bytes.data() + i * sizeof element, sizeof element);
      values[i] = convert(element);
    }
    return values;
  });
}

template <class Number>
StoredTensor stored(ElementType type, std::vector<int64_t> shape, std::span<const Number> values) {
  StoredTensor tensor{type, std::move(shape), {}};
  if (static_cast<uint64_t>(tensor.elements()) != values.size()) {
    throw Error(ExitCode::checkpoint,
                fmt::format("a tensor of shape {} was given {} values", tensor.shape, values.size()));
  }
  const auto bytes = std::as_bytes(values);
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

constexpr size_t kLengthBytes = 8;  // of the little-endian header length that begins the file

template <class Entry>
const Entry& find_in(const std::map<std::string, Entry>& entries, const std::string& name, const char* kind,
                     const std::string& path) {
  const auto found = entries.find(name);
  if (found == entries.end()) {
    throw Error(ExitCode::checkpoint, fmt::format("{}: has no {} \"{}\"; check that it is a file of the right kind",
                                                  path.empty() ? "the tensor file" : path, kind, name));
  }
  return found->second;
}

/// Builds the file from read(offset, bytes), which fills `bytes` from `offset` in a file of `file_bytes` and says how
/// many there were. The header's ranges were checked against the size, so that no more is allocated than the file
/// holds.
template <class Read>
TensorFile assemble(uint64_t file_bytes, std::string path, Read read) {
  const auto read_whole = [&](uint64_t offset, std::span<std::byte> bytes) {
    if (read(offset, bytes) != bytes.size()) {
      throw Error(ExitCode::checkpoint, fmt::format("{}: became shorter while it was read; read it again when no other "
                                                    "process writes it",
                                                    path));
    }
  };
  std::array<char, kLengthBytes> first;
  const size_t first_size = std::min<uint64_t>(file_bytes, first.size());
  read_whole(0, std::as_writable_bytes(std::span(first.data(), first_size)));
  const uint64_t header_bytes = safetensors_header_length({first.data(), first_size}, file_bytes, path);
  const uint64_t data_begin = kLengthBytes + header_bytes;

  TensorFile file;
  std::string json(header_bytes, '\0');
  read_whole(kLengthBytes, std::as_writable_bytes(std::span(json)));
  SafetensorsHeader header = parse_safetensors_header(json, file_bytes - data_begin, path);
  file.metadata = std::move(header.metadata);
  for (TensorRange& range : header.ranges) {
    StoredTensor& tensor = file.tensors[std::move(range.name)];
    tensor.type = range.type;
    tensor.shape = std::move(range.shape);
    tensor.bytes.resize(range.end - range.begin);
    read_whole(data_begin + range.begin, tensor.bytes);
  }
  file.path = std::move(path);
  return file;
}

}  // namespace

size_t element_size(ElementType type) {
  return with_element(type, [](auto element) { return sizeof element; });
}

std::string_view element_name(ElementType type) {
  switch (type) {
    case ElementType::f64:
      return "F64";
    case ElementType::f32:
      return "F32";
    case ElementType::f16:
      return "F16";
    case ElementType::bf16:
      return "BF16";
    case ElementType::i64:
      return "I64";
    case ElementType::i32:
      return "I32";
    case ElementType::i16:
      return "I16";
    case ElementType::i8:
      return "I8";
    case ElementType::u64:
      return "U64";
    case ElementType::u32:
      return "U32";
    case ElementType::u16:
      return "U16";
    case ElementType::u8:
      return "U8";
    case ElementType::boolean:
      break;
  }
  return "BOOL";
}

int64_t StoredTensor::elements() const {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) {
      throw Error(ExitCode::checkpoint, fmt::format("a tensor cannot have the shape {}", shape));
    }
  }
  return count;
}

std::vector<double> StoredTensor::to_doubles() const {
  return converted<double>(*this, [](auto element) { return to_double(element); });
}

std::vector<float> StoredTensor::to_floats() const {
  return converted<float>(*this, [](auto element) {
    if constexpr (std::is_same_v<decltype(element), float>) return element;
    if constexpr (std::is_integral_v<decltype(element)>) return static_cast<float>(element);  // rounded once, not twice
    return static_cast<float>(to_double(element));
  });
}

std::vector<int64_t> StoredTensor::to_int64s() const {
  return converted<int64_t>(*this, [&](auto element) -> int64_t {
    if constexpr (std::is_same_v<decltype(element), Boolean>) {
      return element.byte != 0;
    } else if constexpr (std::is_integral_v<decltype(element)>) {
      if (std::in_range<int64_t>(element)) return static_cast<int64_t>(element);
      throw Error(ExitCode::checkpoint, fmt::format("the integer {} is beyond the signed 64-bit range", element));
    } else {
      throw Error(ExitCode::checkpoint, fmt::format("is of type {} where integers belong", element_name(type)));
    }
  });
}

StoredTensor StoredTensor::from_doubles(std::vector<int64_t> shape, std::span<const double> values) {
  return stored(ElementType::f64, std::move(shape), values);
}
StoredTensor StoredTensor::from_floats(std::vector<int64_t> shape, std::span<const float> values) {
  return stored(ElementType::f32, std::move(shape), values);
}
StoredTensor StoredTensor::from_int64(std::vector<int64_t> shape, std::span<const int64_t> values) {
  return stored(ElementType::i64, std::move(shape), values);
}
StoredTensor StoredTensor::from_int32(std::vector<int64_t> shape, std::span<const int32_t> values) {
  return stored(ElementType::i32, std::move(shape), values);
}
StoredTensor StoredTensor::from_uint64(std::vector<int64_t> shape, std::span<const uint64_t> values) {
  return stored(ElementType::u64, std::move(shape), values);
}
StoredTensor StoredTensor::from_uint8(std::vector<int64_t> shape, std::span<const uint8_t> values) {
  return stored(ElementType::u8, std::move(shape), values);
}

const StoredTensor& TensorFile::at(const std::string& name) const { return find_in(tensors, name, "tensor", path); }

std::vector<int64_t> TensorFile::integers_at(const std::string& name) const {
  try {
    return at(name).to_int64s();
  } catch (const Error& error) {
    if (!tensors.contains(name)) throw;
    throw Error(error.code(), fmt::format("{}: tensor '{}': {}", path, name, error.what()));
  }
}

const std::string& TensorFile::metadata_at(const std::string& key) const {
  return find_in(metadata, key, "metadata entry", path);
}

TensorFile read_safetensors(const std::filesystem::path& path) {
  const FileDescriptor descriptor = open_file(path, O_RDONLY);
  const uint64_t bytes_of_file = bytes_to_load(descriptor.get(), path);
  try {
    return assemble(bytes_of_file, path.string(), [&](uint64_t offset, std::span<std::byte> bytes) {
      return read_at(descriptor.get(), offset, bytes, path);
    });
  } catch (const std::bad_alloc&) {
    throw_too_large(path, bytes_of_file);
  }
}

TensorFile parse_safetensors(std::span<const std::byte> content, std::string path) {
  return assemble(content.size(), std::move(path), [&](uint64_t offset, std::span<std::byte> bytes) {
    std::copy_n(content.begin() + static_cast<ptrdiff_t>(offset), bytes.size(), bytes.begin());
    return bytes.size();
  });
}

void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  const SafetensorsLayout layout = lay_out_safetensors(file, path.string());
  write_file_atomically(path, [&](const TextSink& sink) { layout.hand_to(sink); });
}

}  // namespace equipoise
