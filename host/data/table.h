// host/data/table.h - a strict reader of comma, semicolon and tab separated tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace equipoise {

/// What a table may cost; each limit is checked before the memory it bounds is taken.
struct TableLimits {
  size_t file_bytes = size_t{2} << 30;
  size_t line_bytes = size_t{64} << 20;  ///< of one record, which spans lines when a quoted field does
  size_t columns = 1'000'000;
  size_t cells = 100'000'000;
};

/// Where a cell begins in its file, counted from 1; columns count characters, not bytes.
struct TextPlace {
  uint32_t line = 1;
  uint32_t column = 1;
};

struct Cell {
  size_t begin = 0;  ///< in Table::text
  uint32_t length = 0;
  TextPlace place;
};

/// A table as text: every row has as many cells as there are columns.
struct Table {
  std::string file;                      ///< as named by the user
  std::vector<std::string> columns;      ///< trimmed, unique, none empty
  std::vector<TextPlace> column_places;  ///< [columns]
  std::vector<Cell> cells;               ///< [rows, columns]
  std::string text;                      ///< the characters of all cells, blanks around them removed

  int rows() const { return columns.empty() ? 0 : static_cast<int>(cells.size() / columns.size()); }
  const Cell& cell(int row, int column) const {
    return cells[static_cast<size_t>(row) * columns.size() + static_cast<size_t>(column)];
  }
  std::string_view at(int row, int column) const {
    const Cell& c = cell(row, column);
    return std::string_view(text).substr(c.begin, c.length);
  }
  /// The number of the column of exactly this name, or -1.
  int find(std::string_view name) const;
  /// "file:line:column" of a cell.
  std::string where(int row, int column) const;
};

/// Parses a table with a header line. The separator is whichever of comma, semicolon and tab the header has most of;
/// a UTF-8 byte order mark is dropped; lines end in LF, CRLF or CR; blank lines are skipped; fields may be quoted.
/// Throws Error(data), with the first five offenders as file:line:column, on a NUL, text that is not UTF-8, a misplaced
/// or unclosed quote, a ragged row, a nameless or doubled column, no header or one that looks like data, the marks of
/// an unfinished merge, or a limit passed.
Table parse_table(std::string_view bytes, const std::string& file, const TableLimits& limits = {});

/// The name by which read_table takes standard input.
inline constexpr const char* kStandardInput = "-";

/// Reads and parses a file, or standard input by the name "-". Throws also Error(file_system) when it cannot be read or
/// is longer than limits.file_bytes.
Table read_table(const std::filesystem::path& path, const TableLimits& limits = {});

/// True of the spellings of "no value": empty, NA, NaN, N/A, #N/A, <NA>, NULL (in any case), None (in this case alone),
/// ? and a point alone.
bool is_missing(std::string_view text);

/// Empties every cell that holds one of the words, or a number equal to one that is a number, except in one column (-1:
/// none), that of the ids.
void take_as_missing(Table& table, const std::vector<std::string>& words, int except_column);

enum class NumberKind { number, missing, out_of_range, text };

struct Number {
  NumberKind kind = NumberKind::missing;
  double value = 0;  ///< of a number; 0 otherwise
};

/// Reads a trimmed cell as a decimal number ("+3" included, hexadecimal not). Infinities and what is beyond all doubles
/// (1e999) are out of range; what is nearer to zero than any (1e-999) is 0.
Number parse_number(std::string_view text);

}  // namespace equipoise
