// engine/files/npy.cpp - the header's few Python literals, and elements brought into row-major little-endian order.
#include "engine/files/npy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>

#include "engine/base/error.h"
#include "engine/files/file_descriptor.h"

namespace equipoise {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kHeaderLimit = 65536;  // NumPy pads to a multiple of 64 and stays below 10,000 for plain types
constexpr std::size_t kRankLimit = 32;       // NumPy's own

struct Header {
  std::optional<std::string> type;
  std::optional<bool> fortran;
  std::optional<std::vector<int64_t>> shape;
};

/// Reads {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } and nothing else; no expression is evaluated.
class NpyHeaderReader {
 public:
  NpyHeaderReader(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  Header read() {
    Header header;
    expect('{');
    while (!take('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !header.type) header.type = quoted();
      else if (key == "fortran_order" && !header.fortran) header.fortran = truth();
      else if (key == "shape" && !header.shape) header.shape = shape();
      else refuse(fmt::format("'{}' is no key of an array or comes twice", printable(key)));
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    blanks();
    if (at_ != text_.size()) refuse("something follows the closing brace");
    if (!header.type || !header.fortran || !header.shape) refuse("descr, fortran_order or shape is missing");
    return header;
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error(ExitCode::data, fmt::format("{}: bad .npy header at its byte {}: {}; write the array again with "
                                            "numpy.save",
                                            path_, at_, reason));
  }
  static std::string printable(std::string text) {
    for (char& c : text)
      if (c < ' ' || c > '~') c = '?';
    return text.substr(0, 40);
  }
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) refuse(fmt::format("'{}' is expected", c));
  }
  std::string quoted() {
    blanks();
    const char quote = take('"') ? '"' : '\'';
    if (quote == '\'' && !take('\'')) refuse("a quoted word is expected (arrays of records are not read)");
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) refuse("a quote is not closed");
    const std::string word(text_.substr(at_, end - at_));
    at_ = end + 1;
    return word;
  }
  bool truth() {
    blanks();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    refuse("True or False is expected");
  }
  std::vector<int64_t> shape() {
    std::vector<int64_t> extents;
    expect('(');
    while (!take(')')) {
      if (extents.size() == kRankLimit) refuse(fmt::format("there are more than {} dimensions", kRankLimit));
      extents.push_back(extent());
      if (!take(',')) {
        if (extents.size() == 1) refuse("a shape of one dimension ends with a comma");
        expect(')');
        break;
      }
    }
    return extents;
  }
  int64_t extent() {
    blanks();
    int64_t value = 0;
    const std::size_t first = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
      if (__builtin_mul_overflow(value, int64_t{10}, &value) ||
          __builtin_add_overflow(value, int64_t{text_[at_] - '0'}, &value))
        refuse("an extent is beyond 64 bits");
    if (at_ == first) refuse("a whole number is expected");
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // as Python 2 wrote long integers
    return value;
  }

  std::string_view text_;
  const std::string& path_;
  std::size_t at_ = 0;
};

uint32_t little_endian(std::span<const std::byte> bytes) {
  uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint32_t>(bytes[i]);
  return value;
}

ElementType element_type(const std::string& type, const std::string& path) {
  constexpr std::pair<std::string_view, ElementType> kTypes[] = {
      {"f2", ElementType::f16}, {"f4", ElementType::f32}, {"f8", ElementType::f64},
      {"i2", ElementType::i16}, {"i4", ElementType::i32}, {"i8", ElementType::i64},
      {"u2", ElementType::u16}, {"u4", ElementType::u32}, {"u8", ElementType::u64}};
  constexpr std::pair<std::string_view, ElementType> kBytes[] = {
      {"|i1", ElementType::i8}, {"|u1", ElementType::u8}, {"|b1", ElementType::boolean}};
  for (const auto& [name, element] : kBytes)
    if (type == name) return element;
  for (const auto& [name, element] : kTypes)
    if (type.size() == 3 && (type[0] == '<' || type[0] == '>') && type.substr(1) == name) return element;
  throw Error(ExitCode::data, fmt::format("{}: holds elements of a type other than float16 to float64, whole numbers "
                                          "and truth values; convert them with astype",
                                          path));
}

/// The elements with the last index fastest, from the first index fastest.
std::vector<std::byte> row_major(const std::vector<std::byte>& columns, const std::vector<int64_t>& shape,
                                 std::size_t size) {
  std::vector<std::byte> rows(columns.size());
  std::vector<int64_t> index(shape.size(), 0);
  for (std::size_t to = 0; to < rows.size(); to += size) {
    std::size_t from = 0;
    for (std::size_t d = shape.size(); d-- > 0;)
      from = from * static_cast<std::size_t>(shape[d]) + static_cast<std::size_t>(index[d]);
    std::memcpy(rows.data() + to, columns.data() + from * size, size);
    for (std::size_t d = shape.size(); d-- > 0 && ++index[d] == shape[d];) index[d] = 0;
  }
  return rows;
}

}  // namespace

bool is_npy(std::span<const std::byte> beginning) {
  return beginning.size() >= kMagic.size() && std::memcmp(beginning.data(), kMagic.data(), kMagic.size()) == 0;
}

StoredTensor parse_npy(std::vector<std::byte> content, const std::string& path) {
  const auto refuse = [&](const std::string& reason) {
    throw Error(ExitCode::data, fmt::format("{}: {}; write the array again with numpy.save", path, reason));
  };
  if (!is_npy(content)) refuse("is no .npy file");
  const std::size_t after_magic = kMagic.size() + 2;
  if (content.size() < after_magic) refuse("ends inside the .npy version");
  const int version = static_cast<int>(content[kMagic.size()]);
  if (version < 1 || version > 3) refuse(fmt::format("is of .npy version {}, and 1 to 3 are known", version));
  const std::size_t length_bytes = version == 1 ? 2 : 4, header_begin = after_magic + length_bytes;
  if (content.size() < header_begin) refuse("ends inside the .npy header's length");
  const std::size_t header_bytes = little_endian(std::span(content).subspan(after_magic, length_bytes));
  if (header_bytes > kHeaderLimit || header_bytes > content.size() - header_begin)
    refuse(fmt::format("claims a .npy header of {} bytes, more than there are or may be", header_bytes));

  const std::string text(reinterpret_cast<const char*>(content.data()) + header_begin, header_bytes);
  const Header header = NpyHeaderReader(text, path).read();
  StoredTensor tensor{element_type(*header.type, path), *header.shape, {}};
  const std::size_t size = element_size(tensor.type), data_begin = header_begin + header_bytes;
  int64_t bytes = static_cast<int64_t>(size);
  for (const int64_t extent : tensor.shape)
    if (__builtin_mul_overflow(bytes, extent, &bytes)) refuse("claims more elements than 64 bits count");
  if (static_cast<uint64_t>(bytes) != content.size() - data_begin)
    refuse(fmt::format("holds {} bytes of elements where its header says {}", content.size() - data_begin, bytes));

  content.erase(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(data_begin));
  if ((*header.type)[0] == '>')
    for (std::size_t e = 0; e < content.size(); e += size)
      std::reverse(content.begin() + static_cast<std::ptrdiff_t>(e),
                   content.begin() + static_cast<std::ptrdiff_t>(e + size));
  tensor.bytes =
      *header.fortran && tensor.shape.size() > 1 ? row_major(content, tensor.shape, size) : std::move(content);
  return tensor;
}

StoredTensor read_npy(const std::filesystem::path& path) {
  const FileDescriptor file = open_file(path, O_RDONLY);
  const uint64_t bytes = bytes_to_load(file.get(), path);
  try {
    std::vector<std::byte> content(static_cast<std::size_t>(bytes));
    if (read_at(file.get(), 0, content, path) != content.size())
      throw Error(ExitCode::data, fmt::format("{}: became shorter while it was read; read it again when no other "
                                              "process writes it",
                                              path.string()));
    return parse_npy(std::move(content), path.string());
  } catch (const std::bad_alloc&) {
    throw_too_large(path, bytes);
  }
}

std::string npy_file(const StoredTensor& array) {
  if (array.type != ElementType::f32)
    throw Error(ExitCode::checkpoint,
                fmt::format("an array of {} cannot be written, float32 can", element_name(array.type)));
  // As Python writes tuples: (3, 4), but (3,).
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{}), }}",
                                   fmt::join(array.shape, ", "), array.shape.size() == 1 ? "," : "");
  constexpr std::size_t kBefore = 10, kAlign = 64;  // magic, version, length; the elements begin at a multiple
  header.append(kAlign - (kBefore + header.size() + 1) % kAlign, ' ');
  header += '\n';
  std::string file(kMagic);
  file += std::string("\x01\x00", 2);
  file += static_cast<char>(header.size() & 0xFF);
  file += static_cast<char>(header.size() >> 8);
  file += header;
  file.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
  return file;
}

}  // namespace equipoise
