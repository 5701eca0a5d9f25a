// host/text/printable.cpp - byte by byte, with an eye for UTF-8.
#include "host/text/printable.h"

#include <fmt/format.h>

namespace equipoise {

namespace {

unsigned byte_at(std::string_view text, size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; }

bool continues(unsigned byte) { return (byte & 0xC0u) == 0x80u; }

/// Bytes of the UTF-8 character at `i`; 1 where there is none, as of ASCII.
size_t character_bytes(std::string_view text, size_t i) {
  const unsigned lead = byte_at(text, i);
  const size_t bytes = lead >= 0xF0 && lead < 0xF8   ? 4
                       : lead >= 0xE0 && lead < 0xF0 ? 3
                       : lead >= 0xC2 && lead < 0xE0 ? 2
                                                     : 1;
  for (size_t k = 1; k < bytes; ++k)
    if (!continues(byte_at(text, i + k))) return 1;
  return bytes;
}

/// Of two or three bytes.
unsigned code_point(std::string_view text, size_t i, size_t bytes) {
  if (bytes == 2) return (byte_at(text, i) & 0x1Fu) << 6 | (byte_at(text, i + 1) & 0x3Fu);
  return (byte_at(text, i) & 0x0Fu) << 12 | (byte_at(text, i + 1) & 0x3Fu) << 6 | (byte_at(text, i + 2) & 0x3Fu);
}

bool is_control(unsigned point) {
  const bool c1 = point >= 0x80 && point < 0xA0, marks = point == 0x061C || point == 0x200E || point == 0x200F;
  const bool line_ends = point == 0x2028 || point == 0x2029;
  const bool turns = (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
  return c1 || marks || line_ends || turns;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t bytes = character_bytes(text, i);
    const unsigned byte = byte_at(text, i);
    if (bytes == 1 && byte == '\n') shown += "\\n";
    else if (bytes == 1 && ((byte < 0x20 && byte != '\t') || (byte >= 0x7F && byte < 0xA0)))
      shown += fmt::format("\\x{:02x}", byte);
    else if ((bytes == 2 || bytes == 3) && is_control(code_point(text, i, bytes)))
      shown += fmt::format("\\u{:04x}", code_point(text, i, bytes));
    else shown += text.substr(i, bytes);
    i += bytes;
  }
  return shown;
}

}  // namespace equipoise
