// host/data/table.cpp - libcsv in strict mode, fed one field at a time so that every cell knows its place.
#include "host/data/table.h"

#include <csv.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <new>
#include <unordered_map>

#include "engine/files/atomic_file.h"
#include "host/text/offenders.h"
#include "host/text/trimmed.h"

namespace equipoise {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string format_place(const std::string& file, TextPlace place) {
  return file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": ";
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Follows a position through the bytes and knows its line and column.
class Position {
 public:
  explicit Position(std::string_view bytes) : bytes_(bytes) {}

  TextPlace place() const { return place_; }
  void advance_to(size_t offset) {
    for (; offset_ < offset; ++offset_) {
      const char c = bytes_[offset_];
      const bool carriage_return_alone = c == '\r' && (offset_ + 1 == bytes_.size() || bytes_[offset_ + 1] != '\n');
      if (c == '\n' || carriage_return_alone) {
        place_ = {place_.line + 1, 1};
      } else if (!is_continuation(c)) {
        ++place_.column;
      }
    }
  }

 private:
  std::string_view bytes_;
  size_t offset_ = 0;
  TextPlace place_;
};

/// The length of the well-formed UTF-8 sequence at the start of `bytes`, 0 if there is none (RFC 3629, section 4).
size_t utf8_length(std::string_view bytes) {
  const auto byte = [&](size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  const auto tail = [&](size_t i) { return byte(i) >= 0x80 && byte(i) <= 0xBF; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) > 0x9F;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && byte(1) < 0x90;
    const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

void check_encoding(std::string_view bytes, const std::string& file) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    throw Error(ExitCode::data, file + ":1:1: the file is UTF-16; save it as UTF-8");
  }
  Offenders offenders;
  Position position(bytes);
  for (size_t at = 0; at < bytes.size() && !offenders.full();) {
    const size_t length = utf8_length(bytes.substr(at));
    if (length == 0 || bytes[at] == '\0') {
      position.advance_to(at);
      offenders.add(format_place(file, position.place()) +
                    (length ? "a NUL byte; the file is damaged or not a text table, export it again"
                            : "a byte that is not UTF-8; save the file as UTF-8"));
    }
    at += std::max<size_t>(length, 1);
  }
  offenders.refuse(ExitCode::data);
}

/// What a line of a version control's unfinished merge begins with, at the start of a line; "" of any other text.
std::string_view merge_mark(std::string_view first_cell) {
  for (const std::string_view mark : {"<<<<<<<", "|||||||", "=======", ">>>>>>>"}) {
    if (!first_cell.starts_with(mark)) continue;
    if (first_cell.size() == mark.size() || first_cell[mark.size()] == ' ') return mark;
  }
  return "";
}

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

/// The separator the first line that is not blank has most of outside quotes; comma wins a tie.
char detect_separator(std::string_view bytes) {
  const size_t first = bytes.find_first_not_of(" \r\n");
  size_t commas = 0, semicolons = 0, tabs = 0;
  bool quoted = false;
  for (size_t i = std::min(first, bytes.size()); i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n' || c == '\r') break;
    commas += c == ',';
    semicolons += c == ';';
    tabs += c == '\t';
  }
  if (commas >= semicolons && commas >= tabs) return ',';
  return semicolons >= tabs ? ';' : '\t';
}

class Reader {
 public:
  Reader(std::string_view bytes, std::string file, const TableLimits& limits)
      : bytes_(bytes), limits_(limits), position_(bytes) {
    table_.file = std::move(file);
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&parser_, static_cast<unsigned char>(separator_ = detect_separator(bytes)));
    csv_set_blk_size(&parser_, 4096);
  }
  ~Reader() { csv_free(&parser_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Table read() {
    const char ends[] = {separator_, '\n', '\r', '\0'};
    for (size_t begin = 0; begin < bytes_.size();) {
      const size_t end = std::min(bytes_.find_first_of(ends, begin), bytes_.size() - 1) + 1;
      feed(begin, end);
      begin = end;
    }
    if (csv_fini(&parser_, on_field, on_row, this) != 0) {
      refuse(field_, "a quoted field that never ends; close the quote");
    }
    after_callbacks();
    if (table_.columns.empty())
      throw Error(ExitCode::data, table_.file + ":1:1: the table is empty; a header line is needed");
    offenders_.refuse(ExitCode::data);
    return std::move(table_);
  }

 private:
  // Callbacks run inside C code, through which nothing may be thrown: they only take note.
  static void on_field(void* text, size_t length, void* self) {
    Reader& reader = *static_cast<Reader*>(self);
    reader.submitted_ = true;
    reader.submitted_text_ = trimmed({static_cast<const char*>(text), length}, kBlanks);
  }
  static void on_row(int, void* self) { static_cast<Reader*>(self)->row_ended_ = true; }

  [[noreturn]] void refuse(TextPlace place, const std::string& what) const {
    throw Error(ExitCode::data, format_place(table_.file, place) + what);
  }

  /// Hands over the bytes of at most one field with the separator after it.
  void feed(size_t begin, size_t end) {
    if (begin == record_begin_) record_ = position_.place();
    if (end - record_begin_ > limits_.line_bytes) {
      refuse(record_, "the line is longer than " + std::to_string(limits_.line_bytes) +
                          " bytes; close an open quote or split the table");
    }
    const size_t read = csv_parse(&parser_, bytes_.data() + begin, end - begin, on_field, on_row, this);
    if (read != end - begin) {
      if (csv_error(&parser_) != CSV_EPARSE) throw std::bad_alloc();
      position_.advance_to(begin + read);
      refuse(position_.place(), "a quote in the wrong place; quote the whole field and double the quotes inside it");
    }
    const bool blank_line = !submitted_ && begin == field_begin_ &&
                            (bytes_[end - 1] == '\n' || bytes_[end - 1] == '\r') &&
                            trimmed(bytes_.substr(begin, end - begin), kBlanks).empty();
    const bool next_field = submitted_ || blank_line;
    const bool next_record = row_ended_ || blank_line;
    after_callbacks();
    position_.advance_to(end);
    if (next_field) field_begin_ = end, field_ = position_.place();
    if (next_record) record_begin_ = end;
  }

  void after_callbacks() {
    if (submitted_) {
      if (in_header_) {
        add_column();
      } else {
        add_cell();
      }
    }
    if (row_ended_) end_row();
    submitted_ = row_ended_ = false;
  }

  void add_column() {
    if (table_.columns.empty()) note_merge_mark();
    if (table_.columns.size() >= limits_.columns) {
      refuse(field_, "more than " + std::to_string(limits_.columns) + " columns; split the table");
    }
    const std::string name(submitted_text_);
    if (name.empty()) {
      offenders_.add(format_place(table_.file, field_) + "column " + std::to_string(table_.columns.size() + 1) +
                     " has no name; name it or remove it");
    } else if (const auto [first, added] = names_.try_emplace(name, field_); !added) {
      number_twice_ = number_twice_ || is_number(name);
      offenders_.add(format_place(table_.file, field_) + "the column '" + name + "' is already at " +
                     std::to_string(first->second.line) + ":" + std::to_string(first->second.column) +
                     "; rename or remove one of them");
    }
    table_.columns.push_back(name);
    table_.column_places.push_back(field_);
  }

  void add_cell() {
    if (table_.cells.size() >= limits_.cells) {
      refuse(field_, "more than " + std::to_string(limits_.cells) + " cells; split the table");
    }
    if (row_cells_ == 0) note_merge_mark();
    ++row_cells_;
    if (row_cells_ > table_.columns.size()) return;  // ragged: counted for the message, not kept
    table_.cells.push_back({table_.text.size(), static_cast<uint32_t>(submitted_text_.size()), field_});
    table_.text += submitted_text_;
  }

  void note_merge_mark() {
    if (const std::string_view mark = merge_mark(submitted_text_); !mark.empty()) {
      offenders_.add(format_place(table_.file, field_) + "the line begins with " + std::string(mark) +
                     ", which marks an unfinished merge of two versions; keep the rows of one and remove the marks");
      marked_ = true;
    }
  }

  void end_row() {
    if (in_header_) {
      in_header_ = false;
      if (!marked_ && looks_like_data(table_.columns, number_twice_))
        refuse(table_.column_places.front(),
               "the first line looks like data (" + excerpt(table_.columns.front()) + ", " +
                   excerpt(table_.columns.back()) + (number_twice_ ? ", a number twice" : "") +
                   "); put a line above it that names the " + std::to_string(table_.columns.size()) +
                   " columns, such as id,a,b,label");
      marked_ = false;
      offenders_.refuse(ExitCode::data);  // rows of a table with a broken header would only add noise
      return;
    }
    if (row_cells_ != table_.columns.size()) {
      if (!marked_)  // else the line is named already
        offenders_.add(format_place(table_.file, record_) + "the row has " + std::to_string(row_cells_) +
                       (row_cells_ == 1 ? " cell" : " cells") + " but the header has " +
                       std::to_string(table_.columns.size()) + "; give every row one cell per column");
      table_.cells.resize(table_.cells.size() - std::min(row_cells_, table_.columns.size()));
    }
    row_cells_ = 0;
    marked_ = false;
  }

  std::string_view bytes_;
  TableLimits limits_;
  Position position_;
  csv_parser parser_;
  char separator_ = ',';
  Table table_;
  Offenders offenders_;
  std::unordered_map<std::string, TextPlace> names_;
  bool in_header_ = true;
  bool number_twice_ = false;  ///< among the names
  bool marked_ = false;        ///< the record being read is a mark of a merge
  size_t row_cells_ = 0;
  size_t field_begin_ = 0, record_begin_ = 0;
  TextPlace field_, record_;  ///< where the field and the record being read begin
  bool submitted_ = false, row_ended_ = false;
  std::string_view submitted_text_;  ///< in libcsv's buffer, valid until the next bytes are fed
};

}  // namespace

int Table::find(std::string_view name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  return found == columns.end() ? -1 : static_cast<int>(found - columns.begin());
}

std::string Table::where(int row, int column) const {
  const TextPlace place = cell(row, column).place;
  return file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

Table parse_table(std::string_view bytes, const std::string& file, const TableLimits& limits) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (bytes.size() > std::min<size_t>(limits.file_bytes, std::numeric_limits<uint32_t>::max())) {
    throw Error(ExitCode::data, file + ": the file has " + std::to_string(bytes.size()) +
                                    " bytes, more than the limit of " + std::to_string(limits.file_bytes) +
                                    "; split the table");
  }
  check_encoding(bytes, file);
  return Reader(bytes, file, limits).read();
}

Table read_table(const std::filesystem::path& path, const TableLimits& limits) {
  if (path == kStandardInput) return parse_table(read_text("/dev/stdin", limits.file_bytes), "standard input", limits);
  return parse_table(read_text(path, limits.file_bytes), path.string(), limits);
}

bool is_missing(std::string_view text) {
  constexpr std::string_view kWords[] = {"", "?", ".", "NA", "N/A", "NAN", "#N/A", "<NA>", "NULL"};
  constexpr size_t kLongest = 4;
  if (text.size() > kLongest) return false;
  char upper[kLongest] = {};
  for (size_t i = 0; i < text.size(); ++i)
    upper[i] = text[i] >= 'a' && text[i] <= 'z' ? static_cast<char>(text[i] - 'a' + 'A') : text[i];
  // Written by Python alone, and so in one spelling: a class "none" beside "mild" and "severe" is a class.
  return text == "None" ||
         std::find(std::begin(kWords), std::end(kWords), std::string_view(upper, text.size())) != std::end(kWords);
}

void take_as_missing(Table& table, const std::vector<std::string>& words, int except_column) {
  if (words.empty()) return;
  std::vector<Number> numbers;
  for (const std::string& word : words) numbers.push_back(parse_number(word));
  const size_t columns = table.columns.size();
  for (size_t i = 0; i < table.cells.size(); ++i) {
    if (static_cast<int>(i % columns) == except_column) continue;
    Cell& cell = table.cells[i];
    const std::string_view text = std::string_view(table.text).substr(cell.begin, cell.length);
    const Number number = parse_number(text);
    for (size_t w = 0; w < words.size(); ++w)
      if (text == words[w] || (number.kind == NumberKind::number && numbers[w].kind == NumberKind::number &&
                               number.value == numbers[w].value))
        cell.length = 0;
  }
}

namespace {

/// Whether a decimal number that no double can hold lies below all of them, not above: by the place of its first digit
/// that is not zero, and its exponent.
bool is_tiny(std::string_view text) {
  const size_t e = std::min(text.find_first_of("eE"), text.size());
  const std::string_view digits = text.substr(0, e), exponent = text.substr(std::min(e + 1, text.size()));
  const bool negative = exponent.starts_with('-');
  const std::string_view size = exponent.substr(!exponent.empty() && (negative || exponent[0] == '+') ? 1 : 0);
  double power = 0;  // of ten; infinity where it is beyond all numbers
  const auto [end, failure] = std::from_chars(size.data(), size.data() + size.size(), power);
  if (failure == std::errc::result_out_of_range) power = std::numeric_limits<double>::infinity();
  const size_t point = std::min(digits.find('.'), digits.size()), first = digits.find_first_of("123456789");
  const double place = static_cast<double>(point) - static_cast<double>(std::min(first, digits.size()));
  return place + (negative ? -power : power) < 0;
}

}  // namespace

Number parse_number(std::string_view text) {
  if (is_missing(text)) return {NumberKind::missing, 0};
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc::invalid_argument || end != text.data() + text.size()) return {NumberKind::text, 0};
  if (failure == std::errc::result_out_of_range && is_tiny(text)) return {NumberKind::number, 0};
  if (failure == std::errc::result_out_of_range || std::isinf(value)) return {NumberKind::out_of_range, 0};
  if (std::isnan(value)) return {NumberKind::text, 0};  // "-nan", "nan(1)": not among the spellings of "missing"
  return {NumberKind::number, value};
}

}  // namespace equipoise
