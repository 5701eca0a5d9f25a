// tests/host/data/table/other_programs_test.cpp - tables as other programs write them (tests/data/tables): what is read
// equals what the programs themselves and Python's float make of them, bit for bit; what is no table is named.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <map>

#include "engine/base/error.h"
#include "engine/files/sha256.h"
#include "host/data/cohort.h"
#include "host/data/keyed_table.h"
#include "host/data/table/table.h"

namespace equipoise {
namespace {

namespace fs = std::filesystem;

const fs::path kTables = fs::path(EQUIPOISE_SOURCE_DIR) / "tests/data/tables";

/// The rows of a list beside the tables, by the names of its columns.
std::vector<std::map<std::string, std::string>> lines_of(const fs::path& list) {
  const Table table = read_table(list);
  std::vector<std::map<std::string, std::string>> lines;
  for (int row = 0; row < table.rows(); ++row) {
    lines.emplace_back();
    for (int column = 0; column < static_cast<int>(table.columns.size()); ++column)
      lines.back()[table.columns[static_cast<size_t>(column)]] = table.at(row, column);
  }
  return lines;
}

std::vector<std::string> alternatives(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// The first digits of the hash of a column's doubles, one NaN for what is missing and one zero, rows by their ids.
std::string digest(const KeyedTable& keyed, int column) {
  Sha256 sha;
  for (const int row : keyed.rows) {
    double value = keyed.table.number(row, column);
    if (value == 0) value = 0;
    const uint64_t bits = std::isnan(value) ? 0x7ff8000000000000 : std::bit_cast<uint64_t>(value);
    sha.update(&bits, sizeof bits);
  }
  return sha.hex().substr(0, 16);
}

/// "word=count" of a column whose text is not kept.
std::string words_of(const ColumnContent& content) {
  std::vector<int> count(content.levels.size(), 0);
  for (const auto& [row, level] : content.words) ++count[static_cast<size_t>(level)];
  std::string words;
  for (size_t k = 0; k < content.levels.size(); ++k)
    words += (k ? " " : "") + content.levels[k] + "=" + std::to_string(count[k]);
  return words;
}

bool keeps_ids(std::string_view name) { return is_id_name(name); }

class OtherPrograms : public ::testing::TestWithParam<int> {};  // threads

TEST_P(OtherPrograms, WriteTablesThatAreReadToTheLastBit) {
  int read = 0, columns_compared = 0;
  for (const auto& line : lines_of(kTables / "readable.csv")) {
    const std::string name = line.at("file");
    if (line.at("must") != "read") continue;
    SCOPED_TRACE(name);
    try {
      std::vector<std::string> notices;
      Table table = read_table(kTables / name, {.keeps_text = keeps_ids, .threads = GetParam()});
      const int id = find_id_column(table, {"id", true}, notices);
      const KeyedTable keyed_table = keyed(std::move(table), id, notices);
      const Table& t = keyed_table.table;
      ++read;
      EXPECT_EQ(std::to_string(t.rows()), line.at("rows"));
      for (const auto& column : lines_of(kTables / "expected" / (line.at("expected") + ".csv"))) {
        if (column.at("kind") == "id") continue;
        const int c = t.find(column.at("column"));
        if (c < 0) {
          ADD_FAILURE() << "no column " << column.at("column");
          continue;
        }
        SCOPED_TRACE(column.at("column"));
        const ColumnContent& content = t.contents[static_cast<size_t>(c)];
        EXPECT_EQ(std::to_string(content.numbers + content.texts), column.at("known"));
        if (column.at("kind") == "number") {
          EXPECT_EQ(digest(keyed_table, c), column.at("bits"));
        }
        if (column.at("kind") == "words" && !content.many_levels) {
          EXPECT_EQ(words_of(content), column.at("words"));
        }
        ++columns_compared;
      }
      if (line.at("told").starts_with("5 lines")) {
        const std::string told = notices.empty() ? "" : notices.front();
        EXPECT_NE((t.notices.empty() ? told : t.notices.front()).find("5 lines of separators"), std::string::npos);
      }
      if (line.at("told") == "ids from row names") {
        EXPECT_EQ(id, 0);
      }
      if (line.at("told") == "row names") {
        EXPECT_TRUE(t.row_names);
      }
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
  EXPECT_GT(read, 160);
  EXPECT_GT(columns_compared, 1000);
}
INSTANTIATE_TEST_SUITE_P(Threads, OtherPrograms, ::testing::Values(1, 3));

TEST(OtherPrograms, WriteTablesThatAreReadOrRefusedButNeverCutInSilence) {
  for (const auto& line : lines_of(kTables / "readable.csv")) {
    if (line.at("must") == "read") continue;
    SCOPED_TRACE(line.at("file"));
    try {
      const Table t = read_table(kTables / line.at("file"));
      EXPECT_EQ(std::to_string(t.rows()), line.at("rows"));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::data);
      EXPECT_GT(std::string_view(error.what()).size(), 40u) << error.what();
    }
  }
}

TEST(OtherPrograms, WriteWhatIsNoTableAndIsNamed) {
  int refused = 0;
  for (const auto& line : lines_of(kTables / "refused.csv")) {
    const fs::path file = kTables / line.at("file"), outcome = file.parent_path() / "outcome.csv";
    SCOPED_TRACE(line.at("file"));
    CohortSpec spec;
    spec.views.emplace_back(file);
    spec.label = "";
    if (fs::exists(outcome)) {
      spec.outcome = outcome;
      spec.label = "label";
    }
    try {
      read_cohort(spec);
      ADD_FAILURE() << "it was read";
    } catch (const Error& error) {
      ++refused;
      EXPECT_EQ(error.code(), ExitCode::data);
      const std::string message = error.what();
      for (const std::string& needed : alternatives(line.at("says"), ';')) {
        bool found = false;
        for (const std::string& word : alternatives(needed, '|')) found = found || message.find(word) != message.npos;
        EXPECT_TRUE(found) << needed << " is not in: " << message;
      }
      std::string place = file.string();
      if (!line.at("line").empty()) place += ":" + line.at("line");
      if (!line.at("column").empty()) place += ":" + line.at("column");
      EXPECT_TRUE(message.find(place) != message.npos) << place << " is not in: " << message;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(OtherPrograms, AgreeOnTheDoubleOfEveryHardNumber) {
  const Table bits = read_table(kTables / "numbers/bits.csv");
  std::map<std::string, double> of_id;
  for (int row = 0; row < bits.rows(); ++row)
    of_id[std::string(bits.at(row, bits.find("id")))] =
        std::strtod(std::string(bits.at(row, bits.find("hexadecimal"))).c_str(), nullptr);
  int compared = 0;
  for (const auto& entry : fs::directory_iterator(kTables / "numbers")) {
    if (entry.path().filename() == "bits.csv") continue;
    const Table table = read_table(entry.path());
    for (int row = 0; row < table.rows(); ++row) {
      const auto found = of_id.find(std::string(table.at(row, table.find("id"))));
      ASSERT_NE(found, of_id.end());
      EXPECT_EQ(table.number(row, table.find("x")), found->second) << entry.path() << " " << found->first;
      ++compared;
    }
  }
  EXPECT_GT(compared, 50);
}

}  // namespace
}  // namespace equipoise
