// host/data/table/table.cpp - one pass: blocks of bytes are cut between records, parsed at once, and joined in order.
#include "host/data/table/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <future>
#include <limits>
#include <numeric>
#include <thread>
#include <unordered_map>

#include "host/data/table/byte_source.h"
#include "host/data/table/chunk.h"
#include "host/data/table/cutter.h"
#include "host/data/table/encoding.h"
#include "host/data/table/header.h"
#include "host/data/table/records.h"
#include "host/text/offenders.h"

namespace equipoise {
namespace {

constexpr size_t kBytesOfANumber = 8;  // with its separator, at least where there are many
constexpr unsigned kMostThreads = 4, kMostThreadsAskedFor = 64;

/// Words of a column and their numbers in the order of appearance.
struct Dictionary {
  std::unordered_map<std::string, int> number_of;
  std::vector<std::pair<int, int>> words;  // row, number
  bool full = false;
};

class Joiner {
 public:
  Joiner(Table& table, const TableForm& form, const TableLimits& limits, uint32_t first_line)
      : table_(table), form_(form), limits_(limits), line_(first_line - 1) {
    table_.contents.resize(form.columns);
    table_.cells.resize(form.kept_count);
  }

  /// Makes room for a table of which the first `bytes` held `rows`, and `all` bytes will come.
  void expect(size_t rows, size_t bytes, size_t all) {
    if (rows == 0 || all <= bytes) return;
    const double expected = 1.02 * static_cast<double>(all) / static_cast<double>(bytes) * static_cast<double>(rows);
    const size_t most = limits_.cells / form_.columns;
    const size_t room = std::min(static_cast<size_t>(expected) + 64, most);
    table_.values.reserve(room * form_.columns);
    table_.lines.reserve(room);
  }

  void add(const Chunk& chunk) {
    for (const ChunkFault& fault : chunk.faults) offenders_.add(sentence(fault));
    offenders_.count_further(chunk.fault_count - chunk.faults.size());
    if (chunk.broken) offenders_.refuse(ExitCode::data);
    if (chunk.fatal) throw Error(ExitCode::data, sentence(*chunk.fatal));
    const size_t rows = table_.lines.size(), columns = form_.columns;
    if ((rows + chunk.rows) * columns > limits_.cells) {
      const uint32_t line = line_ + chunk.lines[limits_.cells / columns - rows];
      throw Error(ExitCode::data,
                  fmt::format("{}:{}:1: more than {} cells; split the table", table_.file, line, limits_.cells));
    }
    table_.values.insert(table_.values.end(), chunk.values.begin(), chunk.values.end());
    for (const uint32_t line : chunk.lines) table_.lines.push_back(line_ + line);
    add_text(chunk, static_cast<int>(rows));
    add_contents(chunk, static_cast<int>(rows));
    add_void(chunk);
    if (!point_ && chunk.point) point_ = {shifted(chunk.point->place), chunk.point->column};
    if (!comma_ && chunk.comma) comma_ = {shifted(chunk.comma->place), chunk.comma->column};
    line_ += chunk.line_ends;
  }

  void finish() {
    drop_void_end();
    offenders_.refuse(ExitCode::data);
    if (point_ && comma_)
      throw Error(ExitCode::data,
                  fmt::format("{}: a number in the column '{}' has a decimal point, but one in '{}' at {}:{} a comma; "
                              "write one of them throughout, and no separator of thousands",
                              table_.where(point_->place), table_.columns[point_->column],
                              table_.columns[comma_->column], comma_->place.line, comma_->place.column));
    for (auto& [column, dictionary] : dictionaries_)
      set_levels(table_.contents[static_cast<size_t>(column)], dictionary);
  }

 private:
  TextPlace shifted(TextPlace place) const { return {line_ + place.line, place.column}; }

  std::string sentence(const ChunkFault& fault) const {
    return table_.where(shifted(fault.place)) + ": " + fault.sentence;
  }

  void add_text(const Chunk& chunk, int rows) {
    const size_t base = table_.text.size();
    table_.text += chunk.text;
    for (size_t k = 0; k < chunk.cells.size(); ++k)
      for (Cell cell : chunk.cells[k]) {
        cell.begin += base;
        cell.place = shifted(cell.place);
        table_.cells[k].push_back(cell);
      }
    for (const ChunkWord& word : chunk.words) {
      Dictionary& dictionary = dictionaries_[word.column];
      if (dictionary.full) continue;
      const auto [known, added] = dictionary.number_of.try_emplace(chunk.word_text.substr(word.begin, word.length),
                                                                   static_cast<int>(dictionary.number_of.size()));
      dictionary.words.emplace_back(rows + word.row, known->second);
      if (dictionary.number_of.size() > kMostLevels) {
        dictionary = {};
        dictionary.full = true;
      }
    }
  }

  void add_contents(const Chunk& chunk, int rows) {
    for (size_t c = 0; c < form_.columns; ++c) {
      ColumnContent& content = table_.contents[c];
      content.numbers += chunk.counts[c].numbers;
      content.missing += chunk.counts[c].missing;
      content.texts += chunk.counts[c].texts;
      content.out_of_range += chunk.counts[c].out_of_range;
    }
    for (const ChunkOdd& odd : chunk.odd) {
      std::vector<OddCell>& known = table_.contents[static_cast<size_t>(odd.column)].odd;
      if (known.size() >= kOddCellsKept) continue;
      known.push_back(odd.cell);
      known.back().row += rows;
      known.back().place = shifted(known.back().place);
    }
  }

  VoidMisfits shifted(VoidMisfits misfits) const {
    for (VoidMisfits::Record& record : misfits.first) record.line += line_;
    return misfits;
  }

  void add_void(const Chunk& chunk) {
    if (!chunk.only_void) {
      misfits_.add(void_end_.misfits);
      void_end_ = {};
      misfits_.add(shifted(chunk.inner_misfits));
    }
    void_end_.records += chunk.void_end.records;
    void_end_.rows += chunk.void_end.rows;
    void_end_.misfits.add(shifted(chunk.void_end.misfits));
  }

  void drop_void_end() {
    const size_t rows = table_.lines.size() - void_end_.rows, dropped = void_end_.records;
    for (ColumnContent& content : table_.contents) content.missing -= static_cast<int>(void_end_.rows);
    table_.values.resize(rows * form_.columns);
    table_.lines.resize(rows);
    for (std::vector<Cell>& column : table_.cells) column.resize(rows);
    if (dropped > 0)
      table_.notices.push_back(fmt::format("{}: {} line{} of separators alone at the end left out", table_.file,
                                           dropped, dropped == 1 ? "" : "s"));
    for (const VoidMisfits::Record& record : misfits_.first)
      offenders_.add(fmt::format("{}:{}:1: the row has {} empty cells but the header has {}; remove the line",
                                 table_.file, record.line, record.cells, form_.columns));
    offenders_.count_further(misfits_.count - misfits_.first.size());
  }

  static void set_levels(ColumnContent& content, Dictionary& dictionary) {
    content.many_levels = dictionary.full;
    std::vector<std::pair<std::string, int>> sorted(dictionary.number_of.begin(), dictionary.number_of.end());
    std::sort(sorted.begin(), sorted.end());
    std::vector<int> place(sorted.size());
    for (size_t k = 0; k < sorted.size(); ++k) {
      place[static_cast<size_t>(sorted[k].second)] = static_cast<int>(k);
      content.levels.push_back(std::move(sorted[k].first));
    }
    for (auto& [row, number] : dictionary.words) number = place[static_cast<size_t>(number)];
    content.words = std::move(dictionary.words);
  }

  Table& table_;
  const TableForm& form_;
  const TableLimits& limits_;
  uint32_t line_;  ///< lines before the next chunk
  Offenders offenders_;
  VoidRun void_end_;
  VoidMisfits misfits_;
  std::optional<Chunk::Mark> point_, comma_;
  std::unordered_map<int, Dictionary> dictionaries_;
};

class TableReader {
 public:
  TableReader(ByteSource& source, const std::string& file, const TableWishes& wishes)
      : source_(source), wishes_(wishes), cutter_(source, wishes.limits.line_bytes) {
    table_.file = file;
  }

  Table read() {
    read_header();
    read_rows();
    table_.sha256 = source_.sha256();
    table_.seekable = source_.seekable();
    return std::move(table_);
  }

 private:
  /// The end of the record at `begin`, with as much text read as it needs; the end of all text where it has none.
  size_t whole_record(size_t begin) {
    for (;;) {
      const std::string_view text = cutter_.text();
      const size_t end = record_end(text, begin, true);
      const bool surely_whole = end != text.npos && (end < text.size() || text[end - 1] == '\n');
      if (surely_whole) return end;
      if (text.size() - begin > wishes_.limits.line_bytes || !cutter_.more())
        return std::min(end, cutter_.text().size());
    }
  }

  /// Drops what precedes the first record that is not blank, and returns its place.
  TextPlace skip_blank_records() {
    TextPlace place;
    size_t begin = 0;
    const auto drop = [&] {
      place = place_after(cutter_.text().substr(0, begin), place);
      cutter_.drop(begin);
      begin = 0;
    };
    while (begin < cutter_.text().size() || cutter_.more()) {
      const size_t end = whole_record(begin);
      if (!is_blank_record(cutter_.text().substr(begin, end - begin))) {
        drop();
        return place;
      }
      begin = end;
      if (begin >= Cutter::kBlock) drop();
    }
    throw Error(ExitCode::data, table_.file + ":1:1: the table is empty; a header line is needed");
  }

  void read_header() {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (cutter_.text().starts_with(kByteOrderMark)) cutter_.drop(kByteOrderMark.size());
    expect_text_table(cutter_.text(), table_.file);
    const TextPlace place = skip_blank_records();
    const size_t end = whole_record(0);
    std::vector<std::pair<size_t, size_t>> next;
    // Of blank lines only a block is looked through: all of them may be blank.
    for (size_t at = end, blank = 0;
         next.size() < 2 && blank < Cutter::kBlock && (at < cutter_.text().size() || cutter_.more());) {
      const size_t behind = whole_record(at);
      if (behind - at > wishes_.limits.line_bytes) break;  // refused later, and perhaps cut
      if (is_blank_record(cutter_.text().substr(at, behind - at))) blank += behind - at;
      else next.emplace_back(at, behind - at);
      at = behind;
    }
    const std::string_view text = cutter_.text();
    std::vector<std::string_view> rows;
    for (const auto& [at, size] : next) rows.push_back(text.substr(at, size));
    const std::string_view record = text.substr(0, end);
    TableHeader header = parse_header(record, place, rows, table_.file, wishes_.limits);
    first_line_ = place_after(record, place).line;
    form_.separator = header.separator;
    form_.columns = header.columns.size();
    form_.line_bytes = wishes_.limits.line_bytes;
    form_.has_missing = !wishes_.missing.empty();
    form_.missing = MissingWords(wishes_.missing);
    for (size_t c = 0; c < header.columns.size(); ++c) {
      const bool names_rows = header.row_names && c == 0;
      const bool keep = names_rows || !wishes_.keeps_text || wishes_.keeps_text(header.columns[c]);
      form_.kept.push_back(keep ? static_cast<int>(form_.kept_count++) : -1);
      if (keep) form_.kept_end = c + 1;
    }
    table_.kept = form_.kept;
    table_.decimal_commas = form_.separator != ',';
    table_.columns = std::move(header.columns);
    table_.column_places = std::move(header.places);
    table_.row_names = header.row_names;
    cutter_.drop(end);
  }

  void read_rows() {
    Joiner joiner(table_, form_, wishes_.limits, first_line_);
    const unsigned threads = table_threads(wishes_.threads);
    bool first = true;
    std::deque<std::future<Chunk>> parsed;   // waits for what is parsed when it goes
    std::vector<std::vector<double>> rooms;  // of chunks that are joined
    const auto join = [&](Chunk chunk) {
      joiner.add(chunk);
      rooms.push_back(std::move(chunk.values));
    };
    const auto join_front = [&] {
      Chunk chunk = parsed.front().get();
      parsed.pop_front();
      join(std::move(chunk));
    };
    const auto take_room = [&](size_t bytes) {
      std::vector<double> room;
      if (!rooms.empty()) room = std::move(rooms.back()), rooms.pop_back();
      room.reserve(bytes / kBytesOfANumber);
      return room;
    };
    for (std::string records = cutter_.next(); !records.empty(); records = cutter_.next()) {
      if (parsed.size() >= threads) join_front();
      std::vector<double> room = take_room(records.size());
      if (first || threads == 1) {
        Chunk chunk = parse_chunk(form_, records, std::move(room));
        if (first) joiner.expect(chunk.rows, records.size(), source_.expected_bytes());
        join(std::move(chunk));
        first = false;
        continue;
      }
      const auto text = std::make_shared<const std::string>(std::move(records));
      auto parse = [this, text, room = std::move(room)]() mutable {
        return parse_chunk(form_, *text, std::move(room));
      };
      try {
        parsed.push_back(std::async(std::launch::async, std::move(parse)));
      } catch (const std::system_error&) {  // the system gives no more threads: this one does it in its turn
        parsed.push_back(std::async(std::launch::deferred, [this, text] { return parse_chunk(form_, *text); }));
      }
    }
    while (!parsed.empty()) join_front();
    joiner.finish();
  }

  ByteSource& source_;
  const TableWishes& wishes_;
  Cutter cutter_;
  TableForm form_;
  Table table_;
  uint32_t first_line_ = 1;
};

}  // namespace

int Table::find(std::string_view name) const {
  if (name.empty()) return -1;
  const auto found = std::find(columns.begin(), columns.end(), name);
  return found == columns.end() ? -1 : static_cast<int>(found - columns.begin());
}

std::string Table::where(TextPlace place) const { return fmt::format("{}:{}:{}", file, place.line, place.column); }

std::string Table::where(int row, int column) const {
  if (kept[static_cast<size_t>(column)] >= 0) return where(cell(row, column).place);
  return fmt::format("{}:{}", file, lines[static_cast<size_t>(row)]);
}

Table parse_table(std::string_view bytes, const std::string& file, const TableWishes& wishes) {
  ByteSource source(bytes, file, wishes.limits.file_bytes);
  return TableReader(source, file, wishes).read();
}

Table parse_table(std::string_view bytes, const std::string& file, const TableLimits& limits) {
  return parse_table(bytes, file, TableWishes{.limits = limits});
}

unsigned table_threads(int wished) {
  return wished > 0 ? std::min<unsigned>(static_cast<unsigned>(wished), kMostThreadsAskedFor)
                    : std::clamp(std::thread::hardware_concurrency(), 1u, kMostThreads);
}

Table read_table(const std::filesystem::path& path, const TableWishes& wishes) {
  const bool standard_input = path == kStandardInput;
  const std::string name = standard_input ? "standard input" : path.string();
  ByteSource source(standard_input ? "/dev/stdin" : path, name, wishes.limits.file_bytes);
  return TableReader(source, name, wishes).read();
}

void take_as_missing(Table& table, const std::vector<std::string>& words, int column) {
  if (words.empty()) return;
  const MissingWords missing(words);
  for (Cell& cell : table.cells_of(column)) {
    const std::string_view text = std::string_view(table.text).substr(cell.begin, cell.length);
    if (missing.hold(text, parse_number(text))) cell.length = 0;
  }
}

}  // namespace equipoise
