// host/data/table/records.h - where records and fields begin in text, quoted ones in mind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "host/data/table/table.h"

namespace equipoise {

/// Where the record that begins at `begin` ends: behind its LF, CRLF or CR; npos if the text ends before it does.
/// `quotes` tells whether any quote is in the text (without one the search is faster).
size_t record_end(std::string_view text, size_t begin, bool quotes);

/// The end of the last record that is whole in `text`, which begins one; 0 if none is. A CR at the very end may be
/// followed by an LF, and ends none.
size_t last_record_end(std::string_view text);

/// Whether a byte of UTF-8 goes on with a character.
inline bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// A record's blank line has nothing but blanks before its end.
bool is_blank_record(std::string_view record);

/// Follows a text from a place on.
TextPlace place_after(std::string_view text, TextPlace place = {});

/// Where the first `most` fields of a record begin. `place` is that of the record.
std::vector<TextPlace> field_places(std::string_view record, char separator, TextPlace place, size_t most);

/// Where the last of its fields begins.
TextPlace last_field_place(std::string_view record, char separator, TextPlace place);

/// The separator a header has most of outside quotes: comma, semicolon, tab or bar; the first of them wins a tie. '\0'
/// where it has none.
char find_separator(std::string_view header);

}  // namespace equipoise
