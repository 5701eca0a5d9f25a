// host/data/table/encoding.h - bytes that are no table of UTF-8 text, and what they are instead.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace equipoise {

/// The offset of the first byte that is NUL or belongs to no well-formed UTF-8 sequence (RFC 3629, section 4), from
/// `begin` on; npos if there is none.
size_t find_broken_byte(std::string_view bytes, size_t begin = 0);

inline constexpr size_t kLongestCharacter = 4;  ///< in bytes
/// How many bytes of a text precede its last character where that is cut off; else all.
size_t whole_characters(std::string_view bytes);

/// What is wrong with the byte at a place that find_broken_byte found, and with which encoding the text was likely
/// written.
std::string broken_byte_sentence(std::string_view bytes, size_t at);

/// Throws Error(data) if a file that begins with `bytes` is a known format but no text table: Parquet, Excel,
/// OpenDocument, Arrow, HDF5, R's, SPSS's, SAS's and Stata's own, archives, pages of the web, UTF-16. Says what to do.
void expect_text_table(std::string_view bytes, const std::string& file);

}  // namespace equipoise
