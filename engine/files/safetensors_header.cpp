// engine/files/safetensors_header.cpp - the JSON header of a safetensors file: checked when read, canonical when
// written.
#include "engine/files/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "engine/base/error.h"

namespace equipoise {
namespace {

constexpr const char* kMetadataKey = "__metadata__";
constexpr ElementType kAllTypes[] = {ElementType::f64,    ElementType::f32, ElementType::f16, ElementType::bf16,
                                     ElementType::i64,    ElementType::i32, ElementType::i16, ElementType::i8,
                                     ElementType::u64,    ElementType::u32, ElementType::u16, ElementType::u8,
                                     ElementType::boolean};

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw Error(ExitCode::checkpoint,
              fmt::format("{}: {}; use an intact copy of the file or an older checkpoint", path, what));
}

/// A name for a message: quoted, cut to a readable length, control characters shown as '?'.
std::string shown_name(std::string_view name) {
  constexpr size_t kShown = 80;
  std::string text(name.substr(0, kShown));
  // Do not end inside a UTF-8 sequence.
  if (name.size() > kShown) {
    while (!text.empty() && (static_cast<unsigned char>(name[text.size()]) & 0xC0) == 0x80) text.pop_back();
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return name.size() > kShown ? fmt::format("\"{}...\"", text) : fmt::format("\"{}\"", text);
}

std::optional<ElementType> element_type(std::string_view name) {
  for (const ElementType type : kAllTypes) {
    if (element_name(type) == name) return type;
  }
  return std::nullopt;
}

/// Bytes of a tensor of this shape, or nothing if that is beyond 64 bits.
std::optional<uint64_t> byte_count(const std::vector<int64_t>& shape, ElementType type) {
  uint64_t count = element_size(type);
  for (const int64_t extent : shape) {
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(extent), &count)) return std::nullopt;
  }
  return count;
}

/// Takes the header's JSON event by event and allows only what a header may hold, so that neither depth nor repeated
/// keys nor surprising types ever reach memory. The first offence ends the parse and is kept in `offence`.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::map<std::string, TensorRange> tensors;
  std::map<std::string, std::string> metadata;
  std::string offence;

  bool null() override { return stray("null"); }
  bool boolean(bool) override { return stray("a boolean"); }
  bool number_integer(int64_t) override { return stray("a negative number"); }
  bool number_float(double, const std::string&) override { return stray("a number that is no 64-bit integer"); }
  bool binary(nlohmann::json::binary_t&) override { return stray("binary data"); }

  bool number_unsigned(uint64_t value) override {
    if (place_ == Place::shape) {
      if (current_->shape.size() == kSafetensorsMaxRank) {
        return fail(fmt::format("tensor {} has more than {} dimensions", shown_name(name_), kSafetensorsMaxRank));
      }
      if (value > static_cast<uint64_t>(INT64_MAX)) {
        return fail(fmt::format("tensor {} has a dimension beyond 63 bits", shown_name(name_)));
      }
      current_->shape.push_back(static_cast<int64_t>(value));
      return true;
    }
    if (place_ == Place::offsets && offsets_seen_ < 2) {
      (offsets_seen_++ == 0 ? current_->begin : current_->end) = value;
      return true;
    }
    return stray(place_ == Place::offsets ? "a third offset" : "a number");
  }

  bool string(std::string& value) override {
    if (place_ == Place::metadata) {
      metadata[name_] = value;
      return true;
    }
    if (place_ != Place::tensor || field_ != Field::dtype) return stray("a string");
    const auto type = element_type(value);
    if (!type)
      return fail(fmt::format("tensor {} has the unknown element type {}", shown_name(name_), shown_name(value)));
    current_->type = *type;
    return true;
  }

  bool start_object(size_t) override {
    if (place_ == Place::outside) {
      place_ = Place::top;
    } else if (place_ == Place::top) {
      place_ = name_ == kMetadataKey ? Place::metadata : Place::tensor;
      fields_seen_ = 0;
      offsets_seen_ = 0;
    } else {
      return stray("an object");
    }
    return true;
  }

  bool key(std::string& text) override {
    if (place_ == Place::tensor) return tensor_field(text);
    name_ = text;
    if (place_ == Place::metadata) {
      return metadata.try_emplace(text).second || fail(fmt::format("metadata key {} appears twice", shown_name(text)));
    }
    if (text == kMetadataKey) {
      return !std::exchange(metadata_seen_, true) || fail(fmt::format("{} appears twice", kMetadataKey));
    }
    const auto [place, added] = tensors.try_emplace(text, TensorRange{text, ElementType::u8, {}, 0, 0});
    current_ = &place->second;
    return added || fail(fmt::format("tensor {} appears twice", shown_name(text)));
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      if (fields_seen_ != kAllFields) {
        return fail(fmt::format("tensor {} lacks dtype, shape or data_offsets", shown_name(name_)));
      }
      place_ = Place::top;
    } else {
      place_ = place_ == Place::metadata ? Place::top : Place::outside;
    }
    return true;
  }

  bool start_array(size_t) override {
    if (place_ != Place::tensor || field_ == Field::dtype) return stray("an array");
    place_ = field_ == Field::shape ? Place::shape : Place::offsets;
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && offsets_seen_ != 2) {
      return fail(fmt::format("tensor {} has data_offsets that are not a pair", shown_name(name_)));
    }
    place_ = Place::tensor;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& error) override {
    const bool encoding = std::string_view(error.what()).find("UTF-8") != std::string_view::npos;
    return fail(fmt::format("the header is not {} near its byte {}", encoding ? "UTF-8" : "JSON", position));
  }

 private:
  enum class Place { outside, top, metadata, tensor, shape, offsets };
  enum Field : unsigned { none = 0, dtype = 1, shape = 2, data_offsets = 4 };
  static constexpr unsigned kAllFields = 7;

  bool tensor_field(const std::string& text) {
    field_ = text == "dtype" ? dtype : text == "shape" ? shape : text == "data_offsets" ? data_offsets : none;
    if (field_ == none)
      return fail(fmt::format("tensor {} has the unknown field {}", shown_name(name_), shown_name(text)));
    if (fields_seen_ & field_) return fail(fmt::format("tensor {} has {} twice", shown_name(name_), shown_name(text)));
    fields_seen_ |= field_;
    return true;
  }

  bool stray(const char* what) {
    if (place_ == Place::outside) return fail("the header is not a JSON object");
    if (place_ == Place::metadata) return fail(fmt::format("metadata {} is {}, not a string", shown_name(name_), what));
    return fail(fmt::format("the entry {} holds {} where none belongs", shown_name(name_), what));
  }

  bool fail(std::string what) {
    offence = std::move(what);
    return false;
  }

  Place place_ = Place::outside;
  std::string name_;                // of the tensor or the metadata entry being read
  TensorRange* current_ = nullptr;  // that tensor; map nodes do not move
  Field field_ = none;              // of that tensor, whose value comes next
  unsigned fields_seen_ = 0;
  int offsets_seen_ = 0;
  bool metadata_seen_ = false;
};

void check_extent(const TensorRange& range, uint64_t data_bytes, const std::string& path) {
  if (range.begin > range.end) refuse(path, fmt::format("tensor {} ends before it begins", shown_name(range.name)));
  if (range.end > data_bytes) {
    refuse(path, fmt::format("truncated: tensor {} ends at byte {} of the data, which has {}", shown_name(range.name),
                             range.end, data_bytes));
  }
  const auto bytes = byte_count(range.shape, range.type);
  if (!bytes) refuse(path, fmt::format("tensor {} has a shape beyond 64 bits", shown_name(range.name)));
  if (*bytes != range.end - range.begin) {
    refuse(path, fmt::format("tensor {} needs {} bytes for its shape but has {}", shown_name(range.name), *bytes,
                             range.end - range.begin));
  }
}

}  // namespace

bool is_zip_archive(std::string_view first_bytes) {
  // A local file's header; the end of an archive without files.
  return first_bytes.starts_with("PK\x03\x04") || first_bytes.starts_with("PK\x05\x06");
}

uint64_t safetensors_header_length(std::string_view first_bytes, uint64_t file_bytes, const std::string& path) {
  uint64_t length = 0;
  if (first_bytes.size() < sizeof length) {
    refuse(path, fmt::format("only {} bytes long, too short for a safetensors file", first_bytes.size()));
  }
  if (is_zip_archive(first_bytes))
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: is a zip archive, as numpy.savez and torch.save write them, and no safetensors file; "
                            "write the tensors with save_file of safetensors.numpy or safetensors.torch",
                            path));
  std::memcpy(&length, first_bytes.data(), sizeof length);
  if (length > kSafetensorsMaxHeader) {
    refuse(path, fmt::format("says that its header has {} bytes, over the limit of {}: damaged or no safetensors file",
                             length, kSafetensorsMaxHeader));
  }
  if (length > file_bytes - sizeof length) {
    refuse(path, fmt::format("truncated: a header of {} bytes in a file of {}", length, file_bytes));
  }
  return length;
}

SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t data_bytes, const std::string& path) {
  if (json.empty() || json.front() != '{') refuse(path, "the header is not a JSON object");
  HeaderReader reader;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) refuse(path, reader.offence);

  SafetensorsHeader header;
  header.metadata = std::move(reader.metadata);
  for (auto& [name, range] : reader.tensors) {
    check_extent(range, data_bytes, path);
    header.ranges.push_back(std::move(range));
  }
  std::sort(header.ranges.begin(), header.ranges.end(), [](const TensorRange& a, const TensorRange& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  uint64_t covered = 0;
  for (const TensorRange& range : header.ranges) {
    if (range.begin < covered) refuse(path, fmt::format("tensor {} overlaps another", shown_name(range.name)));
    if (range.begin > covered) {
      refuse(path, fmt::format("{} bytes before tensor {} belong to no tensor", range.begin - covered,
                               shown_name(range.name)));
    }
    covered = range.end;
  }
  if (covered != data_bytes) {
    refuse(path, fmt::format("{} bytes at the end belong to no tensor", data_bytes - covered));
  }
  return header;
}

void SafetensorsLayout::hand_to(const TextSink& sink) const {
  sink(head);
  for (const StoredTensor* tensor : body)
    sink({reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size()});
}

SafetensorsLayout lay_out_safetensors(const TensorFile& file, const std::string& path) {
  std::vector<std::pair<const std::string*, const StoredTensor*>> order;
  for (const auto& [name, tensor] : file.tensors) order.emplace_back(&name, &tensor);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return element_size(a.second->type) > element_size(b.second->type);
  });

  SafetensorsLayout layout;
  nlohmann::json json = nlohmann::json::object();
  if (!file.metadata.empty()) json[kMetadataKey] = file.metadata;
  uint64_t begin = 0;
  for (const auto& [name, tensor] : order) {
    const auto cannot_write = [&, label = shown_name(*name)](const char* why) {
      throw Error(ExitCode::checkpoint, fmt::format("{}: cannot hold tensor {}: {}", path, label, why));
    };
    if (*name == kMetadataKey) cannot_write("the format keeps that name for its metadata");
    if (tensor->shape.size() > kSafetensorsMaxRank) cannot_write("it has too many dimensions");
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(tensor->elements()), element_size(tensor->type), &bytes) ||
        bytes != tensor->bytes.size()) {
      cannot_write("its bytes do not match its shape");
    }
    json[*name] = {
        {"dtype", element_name(tensor->type)}, {"shape", tensor->shape}, {"data_offsets", {begin, begin + bytes}}};
    begin += bytes;
    layout.body.push_back(tensor);
  }

  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: cannot hold a tensor name or metadata text that is not UTF-8; rename it", path));
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data then starts at a multiple of 8
  if (text.size() > kSafetensorsMaxHeader) {
    throw Error(ExitCode::checkpoint, fmt::format("{}: cannot hold a header of {} bytes, over the limit of {}", path,
                                                  text.size(), kSafetensorsMaxHeader));
  }
  const uint64_t length = text.size();
  layout.head.resize(sizeof length);
  std::memcpy(layout.head.data(), &length, sizeof length);
  layout.head += text;
  return layout;
}

}  // namespace equipoise
