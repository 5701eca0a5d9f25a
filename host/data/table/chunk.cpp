// host/data/table/chunk.cpp - a record at a time: libcsv in strict mode as far as quotes reach, separators behind them.
#include "host/data/table/chunk.h"

#include <csv.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <new>

#include "host/data/table/encoding.h"
#include "host/data/table/records.h"
#include "host/text/trimmed.h"

namespace equipoise {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kFaultsKept = 6;
constexpr const char* kMisplaced = "a quote in the wrong place; quote the whole field and double the quotes inside it";
constexpr const char* kUnclosed = "a quoted field that never ends; close the quote";

/// Without the blanks around it.
std::string_view bare(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const bool ends = text.empty() || text.front() <= ' ' || text.back() <= ' ';
  return ends ? trimmed(text, kBlanks) : text;
}

bool is_ascii(std::string_view text) {
  unsigned char any = 0;
  for (const char c : text) any |= static_cast<unsigned char>(c);
  return any < 0x80;
}

/// Behind the separator that ends the last quoted field; all of the record where no field follows it, 0 without quotes.
/// There no quote is open, unless one never closes, which libcsv will find.
size_t end_of_quotes(std::string_view record, char separator) {
  const size_t quote = record.rfind('"');
  if (quote == record.npos) return 0;
  const size_t end = record.find(separator, quote);
  return end == record.npos ? record.size() : end + 1;
}

/// libcsv's parser; what a callback throws waits until the C code has returned.
template <class Receiver>
class Fields {
 public:
  Fields(char separator, Receiver& receiver) : receiver_(receiver) {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&parser_, static_cast<unsigned char>(separator));
    csv_set_blk_size(&parser_, 4096);
  }
  ~Fields() { csv_free(&parser_); }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  /// How many bytes were read: fewer than given where a quote is in the wrong place.
  size_t feed(std::string_view bytes) {
    const size_t read = csv_parse(&parser_, bytes.data(), bytes.size(), on_field, nullptr, this);
    rethrow();
    if (read != bytes.size() && csv_error(&parser_) != CSV_EPARSE) throw std::bad_alloc();
    return read;
  }
  /// False where a quote is still open.
  bool finish() {
    const bool whole = csv_fini(&parser_, on_field, nullptr, this) == 0;
    rethrow();
    return whole;
  }

 private:
  static void on_field(void* text, size_t length, void* self) {
    Fields& fields = *static_cast<Fields*>(self);
    if (fields.thrown_) return;
    try {
      fields.receiver_.field(bare({static_cast<const char*>(text), length}));
    } catch (...) {
      fields.thrown_ = std::current_exception();
    }
  }
  void rethrow() {
    if (thrown_) std::rethrow_exception(thrown_);
  }

  csv_parser parser_;
  Receiver& receiver_;
  std::exception_ptr thrown_;
};

class ChunkParser {
 public:
  ChunkParser(const TableForm& form, std::string_view bytes, std::vector<double> room)
      : form_(form), bytes_(bytes), fields_(form.separator, *this) {
    chunk_.values = std::move(room);
    chunk_.values.clear();
    chunk_.counts.resize(form.columns);
    chunk_.cells.resize(form.kept_count);
  }

  Chunk parse() {
    quotes_ = bytes_.find('"') != bytes_.npos;
    ascii_ = is_ascii(bytes_);
    if (const size_t broken = find_broken_byte(bytes_); broken != bytes_.npos) {
      for (size_t at = broken, n = 0; at != bytes_.npos && n < kFaultsKept; ++n) {
        add_fault(place_after(bytes_.substr(0, at)), [&] { return broken_byte_sentence(bytes_, at); });
        at = find_broken_byte(bytes_, at + 1);
      }
      chunk_.broken = true;
      return std::move(chunk_);
    }
    for (size_t begin = 0; begin < bytes_.size() && !chunk_.fatal;) {
      const size_t end = std::min(record_end(bytes_, begin, quotes_), bytes_.size());
      read(bytes_.substr(begin, end - begin));
      begin = end;
    }
    chunk_.line_ends = line_ - 1;
    return std::move(chunk_);
  }

  void field(std::string_view text) {
    const size_t column = cells_++;
    empty_ = empty_ && text.empty();
    if (column == 0)
      if (const std::string_view mark = merge_mark(text); !mark.empty()) {
        add_fault({line_, 1}, [&] { return merge_mark_sentence(mark); });
        marked_ = true;
      }
    if (column >= form_.columns) return;  // ragged: counted for the message, not kept
    chunk_.values.push_back(number(text, column));
    if (const int kept = form_.kept[column]; kept >= 0) {
      const auto length = static_cast<uint32_t>(text.size());
      chunk_.cells[static_cast<size_t>(kept)].push_back({chunk_.text.size(), length, here()});
      chunk_.text += text;
    }
  }

 private:
  double number(std::string_view text, size_t column) {
    Number number = parse_number(text);
    const bool kept = form_.kept[column] >= 0;
    bool comma = false;
    if (form_.separator != ',') {
      if (number.kind == NumberKind::text) {
        number = parse_decimal_comma(text);
        comma = true;
      }
    }
    if (form_.has_missing && !kept && form_.missing.hold(text, number)) number = {};
    if (form_.separator != ',' && !kept && number.kind == NumberKind::number) note_decimals(text, column, comma);
    Chunk::Counts& counts = chunk_.counts[column];
    switch (number.kind) {
      case NumberKind::number:
        ++counts.numbers;
        return number.value;
      case NumberKind::missing:
        ++counts.missing;
        return kNone;
      case NumberKind::out_of_range:
        ++counts.out_of_range;
        break;
      case NumberKind::text:
        ++counts.texts;
        break;
    }
    const int row = static_cast<int>(chunk_.rows), at = static_cast<int>(column);
    if (counts.texts + counts.out_of_range <= static_cast<int>(kOddCellsKept))
      chunk_.odd.push_back({at, {row, here(), std::string(text), number.kind}});
    if (number.kind == NumberKind::text && !kept) {
      chunk_.words.push_back({row, at, chunk_.word_text.size(), static_cast<uint32_t>(text.size())});
      chunk_.word_text += text;
    }
    return kNone;
  }

  /// The first of the chunk is noted, if its record is a row.
  void note_decimals(std::string_view text, size_t column, bool comma) {
    if (comma) {
      if (!chunk_.comma && !comma_) comma_ = {here(), column};
    } else if (!chunk_.point && !point_ && text.find('.') != text.npos) {
      point_ = {here(), column};
    }
  }

  /// Where the field that `split` is at begins; of those that libcsv tells, set_places will know.
  TextPlace here() {
    if (ascii_) place_.column += static_cast<uint32_t>(field_begin_ - counted_), counted_ = field_begin_;
    for (; counted_ < field_begin_; ++counted_) place_.column += !is_continuation(split_[counted_]);
    return place_;
  }

  template <class Sentence>
  void add_fault(TextPlace place, Sentence sentence) {
    ++chunk_.fault_count;
    if (chunk_.faults.size() < kFaultsKept) chunk_.faults.push_back({place, sentence()});
  }

  void read(std::string_view record) {
    cells_ = 0;
    empty_ = true;
    marked_ = false;
    comma_ = point_ = std::nullopt;
    field_begin_ = counted_ = 0;
    first_odd_ = chunk_.odd.size();
    const bool too_long = record.size() > form_.line_bytes;
    const std::string_view within = record.substr(0, form_.line_bytes);
    const size_t quoted = quotes_ ? end_of_quotes(within, form_.separator) : 0;
    const bool more = quoted > 0 && quoted < within.size();
    const std::string_view fed = within.substr(0, more ? quoted - 1 : quoted);
    const size_t read = fields_.feed(fed);
    if (read != fed.size()) {
      chunk_.fatal = misplaced(record.substr(0, read));
    } else if (too_long) {
      chunk_.fatal = {
          {line_, 1},
          fmt::format("the line is longer than {} bytes; close an open quote or split the table", form_.line_bytes)};
    } else {
      const bool ended = record.ends_with('\n') || record.ends_with('\r');
      if (!fields_.finish()) chunk_.fatal = {last_field_place(record, form_.separator, {line_, 1}), kUnclosed};
      quoted_cells_ = cells_;
      if (quoted < within.size() && !chunk_.fatal) split(within.substr(quoted), within.substr(0, quoted));
      if (cells_ > 0 && !chunk_.fatal) end_row(record);
      // A record whose quote never closes ends with the text, be its last character what it may.
      line_ += ended && !quotes_ ? 1 : place_after(record).line - 1;
    }
  }

  /// Fields without quotes, behind `others`. A line of blanks alone has none, unless others precede it.
  void split(std::string_view text, std::string_view others) {
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    if (others.empty() && is_blank_record(text) && text.find(form_.separator) == text.npos) return;
    split_ = text;
    counted_ = 0;
    place_ = others.empty() ? TextPlace{line_, 1} : place_after(others, {line_, 1});
    for (size_t begin = 0, at = 0;; begin = ++at) {
      while (at != text.size() && text[at] != form_.separator) ++at;
      field_begin_ = begin;
      field(bare(text.substr(begin, at - begin)));
      if (at == text.size()) return;
    }
  }

  /// At the quote; or, where its field began lines before, at the field, whose first closing quote is likely doubled.
  ChunkFault misplaced(std::string_view before) const {
    const TextPlace quote = place_after(before, {line_, 1});
    const TextPlace field = last_field_place(before, form_.separator, {line_, 1});
    if (field.line == quote.line) return {quote, kMisplaced};
    const uint32_t below = quote.line - field.line;
    return {field, fmt::format("the quoted field that begins here ends {} line{} below, in the wrong place; close its "
                               "quote",
                               below, below == 1 ? "" : "s")};
  }

  void end_row(std::string_view record) {
    const size_t columns = form_.columns;
    const bool void_record = empty_ && cells_ > 1;
    if (void_record) {
      ++chunk_.void_end.records;
      if (cells_ == columns) ++chunk_.void_end.rows;
      else chunk_.void_end.misfits.add({line_, cells_});
    } else {
      if (chunk_.void_end.records > 0) {
        chunk_.inner_misfits.add(chunk_.void_end.misfits);
        chunk_.void_end = {};
      }
      chunk_.only_void = false;
    }
    if (cells_ != columns) {
      if (void_record)
        for (size_t column = 0; column < std::min(cells_, columns); ++column) --chunk_.counts[column].missing;
      if (!marked_ && !void_record)
        add_fault({line_, 1}, [&] {
          return fmt::format("the row has {} cell{} but the header has {}; give every row one cell per column", cells_,
                             cells_ == 1 ? "" : "s", columns);
        });
      chunk_.values.resize(chunk_.rows * columns);
      for (std::vector<Cell>& column : chunk_.cells) column.resize(chunk_.rows);
      chunk_.odd.resize(first_odd_);
      return;
    }
    if (quoted_cells_ > 0) set_places(record);
    if (comma_) chunk_.comma = comma_;
    if (point_) chunk_.point = point_;
    chunk_.lines.push_back(line_);
    ++chunk_.rows;
  }

  /// Fields that libcsv told and that may be named to the user learn where they are.
  void set_places(std::string_view record) {
    const std::vector<TextPlace> places = field_places(record, form_.separator, {line_, 1}, quoted_cells_);
    for (size_t column = 0; column < std::min(quoted_cells_, form_.kept_end); ++column)
      if (const int kept = form_.kept[column]; kept >= 0)
        chunk_.cells[static_cast<size_t>(kept)].back().place = places[column];
    for (size_t i = first_odd_; i < chunk_.odd.size(); ++i)
      if (const auto column = static_cast<size_t>(chunk_.odd[i].column); column < quoted_cells_)
        chunk_.odd[i].cell.place = places[column];
    for (std::optional<Chunk::Mark>* mark : {&comma_, &point_})
      if (*mark && (*mark)->column < quoted_cells_) (*mark)->place = places[(*mark)->column];
  }

  const TableForm& form_;
  std::string_view bytes_;
  Chunk chunk_;
  bool quotes_ = false, ascii_ = false;
  uint32_t line_ = 1;
  size_t cells_ = 0;         ///< of the record being read
  size_t quoted_cells_ = 0;  ///< of which libcsv told
  bool empty_ = true, marked_ = false;
  std::optional<Chunk::Mark> comma_, point_;  ///< of the record
  size_t first_odd_ = 0;
  std::string_view split_;                ///< what is split at separators
  size_t field_begin_ = 0, counted_ = 0;  ///< in it: of the field, and how far `place_` has come
  TextPlace place_;
  Fields<ChunkParser> fields_;
};

struct Collector {
  size_t most;
  std::vector<std::string> cells = {};
  void field(std::string_view text) {
    if (cells.size() < most) cells.emplace_back(text);
  }
};

}  // namespace

void VoidMisfits::add(Record record) {
  if (first.size() < kFaultsKept) first.push_back(record);
  ++count;
}

void VoidMisfits::add(const VoidMisfits& later) {
  for (size_t i = 0; i < later.first.size() && first.size() < kFaultsKept; ++i) first.push_back(later.first[i]);
  count += later.count;
}

Chunk parse_chunk(const TableForm& form, std::string_view bytes, std::vector<double> room) {
  return ChunkParser(form, bytes, std::move(room)).parse();
}

std::optional<std::vector<std::string>> parse_record(std::string_view record, char separator, size_t most) {
  Collector collector{most};
  Fields<Collector> fields(separator, collector);
  if (fields.feed(record) != record.size() || !fields.finish()) return std::nullopt;
  return std::move(collector.cells);
}

std::string_view merge_mark(std::string_view first_cell) {
  for (const std::string_view mark : {"<<<<<<<", "|||||||", "=======", ">>>>>>>"}) {
    if (!first_cell.starts_with(mark)) continue;
    if (first_cell.size() == mark.size() || first_cell[mark.size()] == ' ') return mark;
  }
  return "";
}

std::string merge_mark_sentence(std::string_view mark) {
  return fmt::format(
      "the line begins with {}, which marks an unfinished merge of two versions; keep the rows of one "
      "and remove the marks",
      mark);
}

}  // namespace equipoise
