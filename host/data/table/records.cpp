// host/data/table/records.cpp - a quote opens and closes by turns; doubled ones do both at once.
#include "host/data/table/records.h"

#include <algorithm>
#include <iterator>

#include "host/text/trimmed.h"

namespace equipoise {
namespace {

/// Calls `visit` with the place of every field but the first, until it returns false.
template <class Visitor>
void each_further_field(std::string_view record, char separator, TextPlace place, Visitor visit) {
  bool quoted = false;
  for (size_t i = 0; i < record.size(); ++i) {
    const char c = record[i];
    if (c == '"') quoted = !quoted;
    if (c == '\n' || (c == '\r' && (i + 1 == record.size() || record[i + 1] != '\n'))) place = {place.line + 1, 1};
    else if (!is_continuation(c)) ++place.column;
    if (!quoted && c == separator && !visit(place)) return;
  }
}

}  // namespace

size_t record_end(std::string_view text, size_t begin, bool quotes) {
  if (!quotes) {
    // By windows that grow: text without any LF is not searched to its end for each CR.
    for (size_t at = begin, width = 256; at < text.size(); at += width, width *= 2) {
      const std::string_view window = text.substr(at, width);
      const size_t feed = window.find('\n'), carriage = window.substr(0, feed).find('\r');
      if (carriage != window.npos) return at + carriage + (text.substr(at + carriage + 1).starts_with('\n') ? 2 : 1);
      if (feed != window.npos) return at + feed + 1;
    }
    return text.npos;
  }
  bool quoted = false;
  for (size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n') return i + 1;
    if (c == '\r') return text.substr(i + 1).starts_with('\n') ? i + 2 : i + 1;
  }
  return text.npos;
}

size_t last_record_end(std::string_view text) {
  if (text.find('"') == text.npos) {
    for (size_t end = text.size(); end > 0; --end)
      if (text[end - 1] == '\n' || (text[end - 1] == '\r' && end < text.size() && text[end] != '\n')) return end;
    return 0;
  }
  bool quoted = false;
  size_t last = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted) continue;
    if (text[i] == '\n' || (text[i] == '\r' && i + 1 < text.size() && text[i + 1] != '\n')) last = i + 1;
  }
  return last;
}

bool is_blank_record(std::string_view record) { return trimmed(record, " \t\r\n").empty(); }

TextPlace place_after(std::string_view text, TextPlace place) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool carriage_return_alone = c == '\r' && (i + 1 == text.size() || text[i + 1] != '\n');
    if (c == '\n' || carriage_return_alone) place = {place.line + 1, 1};
    else if (!is_continuation(c)) ++place.column;
  }
  return place;
}

std::vector<TextPlace> field_places(std::string_view record, char separator, TextPlace place, size_t most) {
  std::vector<TextPlace> places{place};
  each_further_field(record, separator, place, [&](TextPlace field) {
    if (places.size() < most) places.push_back(field);
    return places.size() < most;
  });
  return places;
}

TextPlace last_field_place(std::string_view record, char separator, TextPlace place) {
  TextPlace last = place;
  each_further_field(record, separator, place, [&](TextPlace field) {
    last = field;
    return true;
  });
  return last;
}

char find_separator(std::string_view header) {
  constexpr char kSeparators[] = {',', ';', '\t', '|'};
  size_t count[std::size(kSeparators)] = {};
  bool quoted = false;
  for (const char c : header) {
    if (c == '"') quoted = !quoted;
    for (size_t s = 0; s < std::size(kSeparators); ++s) count[s] += !quoted && c == kSeparators[s];
  }
  const size_t* most = std::max_element(std::begin(count), std::end(count));
  return *most == 0 ? '\0' : kSeparators[most - count];
}

}  // namespace equipoise
