// host/data/table/header.cpp - names, and whether they are any.
#include "host/data/table/header.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "host/data/table/chunk.h"
#include "host/data/table/encoding.h"
#include "host/data/table/records.h"
#include "host/text/offenders.h"

namespace equipoise {
namespace {

bool is_number(std::string_view text) {
  const NumberKind kind = parse_number(text).kind;
  return kind == NumberKind::number || kind == NumberKind::out_of_range;
}

/// Whether what stands where names belong is a row of data: numbers throughout that do not merely count the columns (as
/// programs name columns that have no name), or a number that stands there twice.
bool looks_like_data(const std::vector<std::string>& names, bool number_twice) {
  if (number_twice) return true;
  if (names.size() < 2 || !std::all_of(names.begin(), names.end(), is_number)) return false;
  for (size_t i = 0; i < names.size(); ++i)
    if (parse_number(names[i]).value != parse_number(names[0]).value + static_cast<double>(i)) return true;
  const double first = parse_number(names[0]).value;
  return first != 0 && first != 1;
}

size_t words_between_blanks(std::string_view record) {
  size_t words = 0;
  bool quoted = false, before = false;
  for (const char c : record) {
    if (c == '"') quoted = !quoted;
    const bool inside = quoted || (c != ' ' && c != '\r' && c != '\n');
    words += inside && !before;
    before = inside;
  }
  return words;
}

/// As R's write.table does unless it is told otherwise.
bool separated_by_blanks(std::string_view record, const std::vector<std::string_view>& next) {
  const size_t words = words_between_blanks(record);
  return words > 1 && !next.empty() && std::all_of(next.begin(), next.end(), [&](std::string_view row) {
           const size_t cells = words_between_blanks(row);
           return cells == words || cells == words + 1;
         });
}

/// Whether all of the next records have a cell more than the header, and something in it.
bool one_shorter(size_t columns, const std::vector<std::string_view>& next, char separator) {
  return !next.empty() && std::all_of(next.begin(), next.end(), [&](std::string_view row) {
    const auto cells = parse_record(row, separator, columns + 2);
    return cells && cells->size() == columns + 1 && !cells->front().empty() && !cells->back().empty() &&
           merge_mark(cells->front()).empty();
  });
}

class HeaderParser {
 public:
  HeaderParser(std::string_view record, TextPlace place, const std::string& file, size_t most_columns)
      : record_(record), place_(place), file_(file), most_cells_(most_columns + 1) {}

  [[noreturn]] void refuse(TextPlace place, const std::string& sentence) const {
    throw Error(ExitCode::data, fmt::format("{}:{}:{}: {}", file_, place.line, place.column, sentence));
  }

  void expect_text() const {
    Offenders offenders;
    for (size_t at = find_broken_byte(record_); at != record_.npos && !offenders.full();
         at = find_broken_byte(record_, at + 1)) {
      const TextPlace place = place_after(record_.substr(0, at), place_);
      offenders.add(fmt::format("{}:{}:{}: {}", file_, place.line, place.column, broken_byte_sentence(record_, at)));
    }
    offenders.refuse(ExitCode::data);
  }

  /// A title above the names, or the sign of a comment before them.
  void expect_no_preamble(char separator, const std::vector<std::string_view>& next) const {
    if (record_.starts_with("# "))
      refuse(place_,
             "the header begins with #, as a comment does (numpy.savetxt writes it so); remove the # and the "
             "blank behind it");
    if (separator != '\0' || next.size() < 2) return;
    const char below = find_separator(next[0]);
    const auto first = parse_record(next[0], below, most_cells_), second = parse_record(next[1], below, most_cells_);
    if (below != '\0' && first && second && first->size() == second->size() && first->size() < most_cells_ &&
        merge_mark(record_).empty())
      refuse(place_, fmt::format("the line has 1 cell but the next ones {}: it is a title, not the names of columns; "
                                 "remove what stands above the header",
                                 first->size()));
  }

  /// Of more than the limit only one more.
  std::vector<std::string> cells(char separator) const {
    auto cells = parse_record(record_, separator, most_cells_);
    if (cells) return std::move(*cells);
    TableForm form;
    form.separator = separator;
    form.line_bytes = record_.size();
    const Chunk chunk = parse_chunk(form, record_);
    const TextPlace place = chunk.fatal->place;
    refuse({place_.line + place.line - 1, place.column}, chunk.fatal->sentence);
  }

  void expect_names(const TableHeader& header) const {
    Offenders offenders;
    std::unordered_map<std::string_view, TextPlace> first_of;
    bool number_twice = false;
    for (size_t i = header.row_names ? 1 : 0; i < header.columns.size(); ++i) {
      const std::string& name = header.columns[i];
      const TextPlace place = header.places[i];
      if (name.empty()) {
        offenders.add(fmt::format("{}:{}:{}: column {} has no name; name it or remove it", file_, place.line,
                                  place.column, i + 1));
      } else if (const auto [first, added] = first_of.try_emplace(name, place); !added) {
        number_twice = number_twice || is_number(name);
        offenders.add(fmt::format("{}:{}:{}: the column {} is already at {}:{}; rename or remove one of them", file_,
                                  place.line, place.column, excerpt(name), first->second.line, first->second.column));
      }
    }
    const std::vector<std::string> names(header.columns.begin() + header.row_names, header.columns.end());
    if (looks_like_data(names, number_twice))
      refuse(header.places.front(),
             fmt::format("the first line looks like data ({}, {}{}); put a line above it that names the {} columns, "
                         "such as id,a,b,label",
                         excerpt(header.columns.front()), excerpt(header.columns.back()),
                         number_twice ? ", a number twice" : "", header.columns.size()));
    offenders.refuse(ExitCode::data);
  }

 private:
  std::string_view record_;
  TextPlace place_;
  const std::string& file_;
  size_t most_cells_;
};

}  // namespace

TableHeader parse_header(std::string_view record, TextPlace place, const std::vector<std::string_view>& next,
                         const std::string& file, const TableLimits& limits) {
  const HeaderParser parser(record, place, file, limits.columns);
  if (record.size() > limits.line_bytes)
    parser.refuse(place, fmt::format("the line is longer than {} bytes; close an open quote or split the table",
                                     limits.line_bytes));
  parser.expect_text();
  TableHeader header;
  const char found = find_separator(record);
  if (found == '\0' && separated_by_blanks(record, next))
    parser.refuse(place,
                  "blanks seem to separate the columns; write the table with commas or tabs (in R: write.csv, or "
                  "write.table with sep = \"\\t\")");
  parser.expect_no_preamble(found, next);
  header.separator = found == '\0' ? ',' : found;
  header.columns = parser.cells(header.separator);
  if (const std::string_view mark = merge_mark(header.columns.front()); !mark.empty())
    parser.refuse(place, merge_mark_sentence(mark));
  header.places = field_places(record, header.separator, place, header.columns.size());
  const auto expect_few = [&] {
    if (header.columns.size() > limits.columns)
      parser.refuse(header.places[limits.columns],
                    fmt::format("more than {} columns; split the table", limits.columns));
  };
  expect_few();
  if (one_shorter(header.columns.size(), next, header.separator)) {
    header.columns.insert(header.columns.begin(), "");
    header.places.insert(header.places.begin(), place);
    header.row_names = true;
    expect_few();
  } else {
    header.row_names = header.columns.size() > 1 && header.columns.front().empty();
  }
  parser.expect_names(header);
  return header;
}

}  // namespace equipoise
