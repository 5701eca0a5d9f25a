// host/data/table/table.h - a table of text read once: numbers by row, and the words of the columns that are asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/table/cell.h"

namespace equipoise {

/// What a table may cost; each limit is checked before the memory it bounds is taken.
struct TableLimits {
  size_t file_bytes = size_t{2} << 30;   ///< of text, after a compressed file is unpacked
  size_t line_bytes = size_t{64} << 20;  ///< of one record, which spans lines when a quoted field does
  size_t columns = 1'000'000;
  size_t cells = 100'000'000;
};

/// How a table is read.
struct TableWishes {
  TableLimits limits = {};
  /// Columns, by name, of which the text of every cell is kept: ids, classes. Of the others numbers and levels are.
  /// Empty: all.
  std::function<bool(std::string_view)> keeps_text = {};
  /// Words that count as missing besides those of is_missing, and numbers equal to one that is a number; in columns
  /// whose text is kept take_as_missing has to be asked.
  std::vector<std::string> missing = {};
  int threads = 0;  ///< 64 at most; 0 = as many as the machine has, four at most; the result is the same
};

/// How many threads read a table for which `wished` are asked.
unsigned table_threads(int wished = 0);

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

/// A cell that is neither a number nor missing.
struct OddCell {
  int row = 0;
  TextPlace place;
  std::string text;
  NumberKind kind = NumberKind::text;  ///< or out_of_range
};

/// What the cells of a column are.
struct ColumnContent {
  int numbers = 0, missing = 0, texts = 0, out_of_range = 0;
  std::vector<OddCell> odd = {};  ///< the first few
  /// Of a column whose text is not kept: its different words, rising by bytes, and where they stand. Empty with
  /// `many_levels`, where there are more than kMostLevels.
  std::vector<std::string> levels = {};
  std::vector<std::pair<int, int>> words = {};  ///< row, index of levels; rows rising
  bool many_levels = false;
};
inline constexpr size_t kMostLevels = 256;
inline constexpr size_t kOddCellsKept = 6;

/// Every row has as many cells as there are columns.
struct Table {
  std::string file;                      ///< as named by the user
  std::string sha256;                    ///< of the file's bytes
  bool seekable = true;                  ///< false of a pipe, which cannot be read again
  std::vector<std::string> columns;      ///< trimmed, unique, none empty but the first where it holds names of rows
  std::vector<TextPlace> column_places;  ///< [columns]
  std::vector<ColumnContent> contents;   ///< [columns]
  bool decimal_commas = false;           ///< the separator is no comma, and numbers may have one
  /// The first column is one that R and pandas write before the named ones; its name is "".
  bool row_names = false;
  std::vector<double> values;            ///< [rows, columns], NaN where a cell is no number
  std::vector<uint32_t> lines;           ///< [rows]
  std::vector<int> kept;                 ///< [columns]: its place among `cells`, -1 where the text is not kept
  std::vector<std::vector<Cell>> cells;  ///< [kept columns, rows]
  std::string text;                      ///< the characters of those cells, blanks around them removed
  std::vector<std::string> notices;      ///< what of the file was passed over

  int rows() const { return static_cast<int>(lines.size()); }
  double number(int row, int column) const {
    return values[static_cast<size_t>(row) * columns.size() + static_cast<size_t>(column)];
  }
  const std::vector<Cell>& cells_of(int column) const {
    return cells[static_cast<size_t>(kept[static_cast<size_t>(column)])];
  }
  std::vector<Cell>& cells_of(int column) { return cells[static_cast<size_t>(kept[static_cast<size_t>(column)])]; }
  const Cell& cell(int row, int column) const { return cells_of(column)[static_cast<size_t>(row)]; }
  /// Of a column whose text is kept.
  std::string_view at(int row, int column) const {
    const Cell& c = cell(row, column);
    return std::string_view(text).substr(c.begin, c.length);
  }
  /// The number of the column of exactly this name, or -1; never that of row names.
  int find(std::string_view name) const;
  /// "file:line:column" of a cell whose text is kept, "file:line" of another.
  std::string where(int row, int column) const;
  std::string where(TextPlace place) const;
};

/// Parses a table with a header line. The separator is whichever of comma, semicolon, tab and bar the header has most
/// of; where it is no comma, numbers may have decimal commas throughout. A UTF-8 byte order mark is dropped; lines end
/// in LF, CRLF or CR; blank lines are skipped; lines of separators alone at the end are left out and told; fields may
/// be quoted. The first column may lack its name, or the header be one cell shorter than all rows: then it names the
/// rows. Throws Error(data), with the first five offenders as file:line:column, on a NUL, text that is not UTF-8 (with
/// its likely encoding), a misplaced or unclosed quote, a ragged row, a nameless or doubled column, no header or one
/// that looks like data, the marks of an unfinished merge, numbers with decimal points beside others with decimal
/// commas, a limit passed, and bytes that are no text table (named as what they are).
Table parse_table(std::string_view bytes, const std::string& file, const TableWishes& wishes = {});
Table parse_table(std::string_view bytes, const std::string& file, const TableLimits& limits);

/// The name by which read_table takes standard input.
inline constexpr const char* kStandardInput = "-";

/// Reads and parses a file, which may be compressed by gzip, or standard input by the name "-", in one pass. Throws
/// also Error(file_system) when it cannot be read, and Error(data) on a compressed file that is damaged.
Table read_table(const std::filesystem::path& path, const TableWishes& wishes = {});

/// Empties every cell of a column whose text is kept that holds one of the words, or a number equal to one that is a
/// number.
void take_as_missing(Table& table, const std::vector<std::string>& words, int column);

}  // namespace equipoise
