// host/data/table/chunk.h - some whole records of a table, parsed for themselves: chunks may be parsed at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/table/cell.h"
#include "host/data/table/table.h"

namespace equipoise {

/// What all records of a table have in common.
struct TableForm {
  char separator = ',';
  size_t columns = 0;
  std::vector<int> kept;  ///< [columns]: place among the kept, -1 where the text is not kept
  size_t kept_count = 0;
  size_t kept_end = 0;  ///< behind the last column whose text is kept
  MissingWords missing;
  bool has_missing = false;  ///< whether `missing` has words
  size_t line_bytes = 0;     ///< limit of a record
};

/// A place in a chunk: lines count from the chunk's first, which is 1.
struct ChunkFault {
  TextPlace place;
  std::string sentence;
};

/// Records in which nothing stands but separators, and fewer or more of them than in the header.
struct VoidMisfits {
  struct Record {
    uint32_t line = 1;
    size_t cells = 0;
  };
  std::vector<Record> first;  ///< the first few
  size_t count = 0;

  void add(Record record);
  void add(const VoidMisfits& later);
};

/// Records at an end, one behind the other, in which nothing stands but separators.
struct VoidRun {
  size_t records = 0;
  size_t rows = 0;  ///< those with as many cells as there are columns, which are rows
  VoidMisfits misfits;
};

/// A word of a column whose text is not kept.
struct ChunkWord {
  int row = 0, column = 0;
  size_t begin = 0;  ///< in Chunk::word_text
  uint32_t length = 0;
};

struct ChunkOdd {
  int column = 0;
  OddCell cell;
};

/// Rows, lines and offsets into `text` count from the chunk's beginning.
struct Chunk {
  size_t rows = 0;
  uint32_t line_ends = 0;                ///< lines that end in it
  std::vector<double> values;            ///< [rows, columns]
  std::vector<uint32_t> lines;           ///< [rows]
  std::vector<std::vector<Cell>> cells;  ///< [kept columns, rows]
  std::string text, word_text;           ///< of kept cells, of words
  std::vector<ChunkWord> words;
  std::vector<ChunkOdd> odd;  ///< the first few of each column
  struct Counts {
    int numbers = 0, missing = 0, texts = 0, out_of_range = 0;
  };
  std::vector<Counts> counts;  ///< [columns]
  VoidRun void_end;            ///< at the chunk's end
  VoidMisfits inner_misfits;   ///< before that
  bool only_void = true;       ///< it has no other record
  struct Mark {
    TextPlace place;
    size_t column = 0;
  };
  std::optional<Mark> point, comma;  ///< the first number with either, where the separator is no comma
  std::vector<ChunkFault> faults;    ///< the first few ragged rows and marks of a merge
  size_t fault_count = 0;
  bool broken = false;              ///< the faults are of bytes that are no text, and nothing was parsed
  std::optional<ChunkFault> fatal;  ///< ends the table: a quote in the wrong place, a record without an end
};

/// Parses whole records; only the last chunk of a table may end without the end of a line. `room` is memory for the
/// values, whose content does not matter.
Chunk parse_chunk(const TableForm& form, std::string_view bytes, std::vector<double> room = {});

/// The cells of one record, the first `most` at most, trimmed, or nothing where a quote stands in the wrong place or
/// none closes.
std::optional<std::vector<std::string>> parse_record(std::string_view record, char separator, size_t most);

/// What a line of a version control's unfinished merge begins with, at the start of a line; "" of any other text.
std::string_view merge_mark(std::string_view first_cell);
std::string merge_mark_sentence(std::string_view mark);

}  // namespace equipoise
