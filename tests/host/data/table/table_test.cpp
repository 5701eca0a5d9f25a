// tests/host/data/table_test.cpp - what tables are read, and what is refused where.
#include "host/data/table/table.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "tests/host/commands/run_program.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;
using testing::TemporaryFolder;
using testing::to_be_caught;

std::string refused(std::string_view bytes, const TableLimits& limits = {}) {
  return refusal(ExitCode::data, [&] { parse_table(bytes, "t.csv", limits); });
}

TEST(Table, ReadsCommaSemicolonAndTabAlike) {
  for (const char separator : {',', ';', '\t'}) {
    std::string text = "id|a|b\nx|1|\ny|2|3\n";
    std::replace(text.begin(), text.end(), '|', separator);
    const Table table = parse_table(text, "t.csv");
    EXPECT_EQ(table.columns, (std::vector<std::string>{"id", "a", "b"})) << separator;
    ASSERT_EQ(table.rows(), 2) << separator;
    EXPECT_EQ(table.at(0, 2), "");
    EXPECT_EQ(table.at(1, 2), "3");
  }
}

TEST(Table, CountsSeparatorsOfTheHeaderOutsideQuotesOnly) {
  const Table table = parse_table("id;\"a,b,c\"\n1;2\n", "t.csv");
  EXPECT_EQ(table.columns, (std::vector<std::string>{"id", "a,b,c"}));
}

TEST(Table, DropsByteOrderMarkCarriageReturnsBlankLinesAndBlanksAroundFields) {
  const Table table = parse_table("\xEF\xBB\xBFid, a \r\n\r\n x , 1 \r\n   \r\n\r\ny,2", "t.csv");
  EXPECT_EQ(table.columns, (std::vector<std::string>{"id", "a"}));
  ASSERT_EQ(table.rows(), 2);
  EXPECT_EQ(table.at(0, 0), "x");
  EXPECT_EQ(table.at(0, 1), "1");
  EXPECT_EQ(table.where(0, 0), "t.csv:3:1");
  EXPECT_EQ(table.where(1, 1), "t.csv:6:3");
}

TEST(Table, ReadsQuotedSeparatorsQuotesAndLineEnds) {
  const Table table = parse_table("id,a,b\n\"x,\"\"1\"\"\",\"two\nlines\",3\ny,4,5\n", "t.csv");
  EXPECT_EQ(table.at(0, 0), "x,\"1\"");
  EXPECT_EQ(table.at(0, 1), "two\nlines");
  EXPECT_EQ(table.where(0, 2), "t.csv:3:8");
  EXPECT_EQ(table.where(1, 0), "t.csv:4:1");
}

TEST(Table, CountsColumnsInCharactersNotBytes) {
  const Table table = parse_table("id,\xC3\xA4,b\n\xE2\x82\xAC\xE2\x82\xAC,1,2\n", "t.csv");
  EXPECT_EQ(table.columns[1], "\xC3\xA4");
  EXPECT_EQ(table.where(0, 1), "t.csv:2:4");
}

TEST(Table, ReadsLinesEndedByCarriageReturnsAlone) {
  const Table table = parse_table("id,a\rx,1\ry,2\r", "t.csv");
  ASSERT_EQ(table.rows(), 2);
  EXPECT_EQ(table.where(1, 0), "t.csv:3:1");
}

TEST(Table, TakesTimeInProportionToLinesEndedByCarriageReturnsAlone) {
  std::string text = "a,b\r";
  for (int row = 0; row < 2'000'000; ++row) text += "1,2\r";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse_table(text, "t.csv", {.keeps_text = [](std::string_view) { return false; }}).rows(), 2'000'000);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));  // some 0.3 s; 36 s by the square
}

TEST(Table, PassesOverMillionsOfBlankLinesAboveTheHeader) {
  const std::string text = std::string(4 << 20, '\n') + "id,a\nx,1\n";  // more than a block of them
  const auto start = std::chrono::steady_clock::now();
  const Table table = parse_table(text, "t.csv");
  ASSERT_EQ(table.rows(), 1);
  EXPECT_EQ(table.where(0, 1), "t.csv:4194306:3");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));  // some 0.1 s
  EXPECT_CONTAINS(refused(std::string(4 << 20, '\n')), "t.csv:1:1: the table is empty");
}

TEST(Table, KeepsNoBlankLinesBelowTheHeader) {
  constexpr bool kSanitized = to_be_caught(5) < 5;  // which takes long, and keeps what was freed
  constexpr int kBlocks = kSanitized ? 4 : 128;
  const testing::TemporaryFolder folder;
  {
    std::ofstream file(folder.path() / "t.csv");
    const std::string blank(1 << 20, '\n');
    file << "id,a\n";
    for (int i = 0; i < kBlocks; ++i) file << blank;
    file << "x,1\n";
  }
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const Table table = read_table(folder.path() / "t.csv");
  getrusage(RUSAGE_SELF, &after);
  ASSERT_EQ(table.rows(), 1);
  const std::string place = "t.csv:" + std::to_string((kBlocks << 20) + 2) + ":3";
  EXPECT_TRUE(table.where(0, 1).ends_with(place)) << table.where(0, 1);
  if (!kSanitized) {
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 60 << 10);  // KiB; all lines took 256 MiB
  }
}

TEST(Table, LooksAtTheRowsBelowAHeaderThatEndsWithABlock) {
  const std::string name(size_t{2} << 20, 'a');  // as long as a block
  const std::string header = name.substr(0, name.size() - 3) + ",b\n";
  EXPECT_TRUE(parse_table(header + "x,1,2\n", "t.csv").row_names);
}

TEST(Table, DividesWhatStandsBehindTheLastQuoteBySeparatorsAlone) {
  Table table = parse_table("id,x,y\n\"a,1\",2,\n  \t \n\"b\"\"\", 3 ,4\n\"c\",5,\"6\"\nd,\"7\",8\n", "t.csv");
  ASSERT_EQ(table.rows(), 4);
  EXPECT_EQ(table.at(0, 0), "a,1");
  EXPECT_EQ(table.at(0, 2), "");
  EXPECT_EQ(table.at(1, 0), "b\"");
  EXPECT_EQ(table.at(1, 1), "3");
  for (double& x : table.values) x = x == x ? x : -1;
  EXPECT_EQ(table.values, (std::vector<double>{-1, 2, -1, -1, 3, 4, -1, 5, 6, -1, 7, 8}));
}

TEST(Table, KeepsAnEmptyLastCell) {
  EXPECT_EQ(parse_table("id,a\nx,", "t.csv").at(0, 1), "");
  EXPECT_EQ(parse_table("id,a\nx,\n", "t.csv").at(0, 1), "");
}

TEST(Table, RefusesRaggedRowsAndListsTheFirstFive) {
  const std::string message = refused("id,a\nx\ny,1,2\nz,3\n<<<<<<< HEAD\n1\n2\n3\n");
  EXPECT_CONTAINS(message, "t.csv:2:1: the row has 1 cell but the header has 2;");
  EXPECT_CONTAINS(message, "t.csv:3:1: the row has 3 cells but the header has 2;");
  EXPECT_CONTAINS(message, "t.csv:5:1: ");
  EXPECT_CONTAINS(message, "t.csv:7:1: ");
  EXPECT_EQ(message.find("t.csv:8:1"), std::string::npos) << message;
  EXPECT_CONTAINS(message, "and 1 more");
}

TEST(Table, RefusesANulByte) {
  EXPECT_CONTAINS(refused(std::string_view("id,a\nx,1\0\n", 10)), "t.csv:2:4: a NUL byte;");
}

TEST(Table, RefusesWhatIsNotUtf8) {
  for (const char* bad : {"\xFF", "\xC0\x80", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xE9t\xE9", "\xED\xA0\x80",
                          "\xF4\x90\x80\x80", "\xE2\x82", "\x80"}) {
    const std::string message = refused(std::string("id,a\nx,y") + bad + "\n");
    EXPECT_CONTAINS(message, "t.csv:2:4: the byte 0x");
    EXPECT_CONTAINS(message, " is not UTF-8; ");
    EXPECT_CONTAINS(message, "; save it as UTF-8");
  }
}

TEST(Table, RefusesUtf16) { EXPECT_CONTAINS(refused(std::string_view("\xFF\xFEi\0d\0", 6)), "UTF-16"); }

TEST(Table, RefusesAQuoteInsideAnUnquotedField) {
  EXPECT_CONTAINS(refused("id,a\nx,1\"2\n"), "t.csv:2:4: a quote in the wrong place;");
}

TEST(Table, RefusesTextAfterAClosingQuote) {
  EXPECT_CONTAINS(refused("id,a\n\"x\"y,1\n"), "t.csv:2:4: a quote in the wrong place;");
}

TEST(Table, RefusesAQuoteThatNeverEndsAndSaysWhereItBegan) {
  EXPECT_CONTAINS(refused("id,a\nx,\"1\ny,2\n"), "t.csv:2:3: a quoted field that never ends;");
}

TEST(Table, RefusesDoubledColumnNames) {
  const std::string message = refused("id,a,b,a\nx,1,2,3\n");
  EXPECT_CONTAINS(message, "t.csv:1:8: the column 'a' is already at 1:4; rename or remove one of them");
}

TEST(Table, RefusesAColumnWithoutAName) {
  EXPECT_CONTAINS(refused("id,,a\n0,x,1\n"), "t.csv:1:4: column 2 has no name;");
}

TEST(Table, SaysOfAFirstLineOfNumbersThatItLooksLikeData) {
  // As the UCI repository gives its tables, without names.
  EXPECT_CONTAINS(
      refused("5,1,1,1,2\n5,4,4,5,2\n"),
      "t.csv:1:1: the first line looks like data ('5', '2', a number twice); put a line above it that names "
      "the 5 columns");
  EXPECT_CONTAINS(refused("5.1,3.5,1.4,0.2\n4.9,3.0,1.4,0.2\n"), "looks like data ('5.1', '0.2'); put a line above");
  EXPECT_CONTAINS(refused("p1;0.5;0.5\np2;1;2\n"), "looks like data ('p1', '0.5', a number twice)");
  EXPECT_CONTAINS(refused("2,3,4\n1,1,1\n"), "looks like data");
  EXPECT_CONTAINS(refused("0,1,3\n1,1,1\n"), "looks like data");
}

TEST(Table, TakesNamesThatAreNumbersForNames) {
  // As pandas names columns that have none, and as spectra name theirs.
  for (const char* header : {"0,1,2", "1,2,3", "id,400.5,401.5", "id,5,1", "7", "id,1,1.0"})
    EXPECT_EQ(parse_table(std::string(header) + "\n", "t.csv").rows(), 0) << header;
}

TEST(Table, RefusesTheMarksOfAnUnfinishedMerge) {
  const std::string message =
      refused("id,a\n<<<<<<< HEAD\nx,1\n||||||| base\nx,0\n=======\nx,2\n>>>>>>> branch,\ny,3\n");
  for (const char* part : {"t.csv:2:1: the line begins with <<<<<<<, which marks an unfinished merge",
                           "t.csv:4:1: the line "
                           "begins with |||||||",
                           "t.csv:6:1: the line begins with =======",
                           "t.csv:8:1: the line begins "
                           "with >>>>>>>"})
    EXPECT_CONTAINS(message, part);
  EXPECT_EQ(message.find("cell"), std::string::npos) << "named once: " << message;
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 3) << message;
  EXPECT_CONTAINS(refused("<<<<<<< HEAD\nid,a\n"), "t.csv:1:1: the line begins with <<<<<<<");
  EXPECT_CONTAINS(refused("id\nx\n=======\ny\n"), "t.csv:3:1: the line begins with =======");
  for (const char* id : {"<<<<<<", "========", "x<<<<<<<", "<<<<<<<x"})
    EXPECT_EQ(parse_table("id,a\n" + std::string(id) + ",1\n", "t.csv").at(0, 0), id);
}

TEST(Table, TakesTheFirstColumnForNamesOfRows) {
  for (const char* text :
       {"\"a\",\"b\"\n\"r1\",1,2\n\"r2\",3,4\n", ",a,b\nr1,1,2\nr2,3,4\n"}) {  // write.table, write.csv
    const Table table = parse_table(text, "t.csv");
    EXPECT_TRUE(table.row_names) << text;
    EXPECT_EQ(table.columns, (std::vector<std::string>{"", "a", "b"}));
    EXPECT_EQ(table.at(1, 0), "r2");
    EXPECT_EQ(table.values.back(), 4);
  }
  // A separator at the end of each row names no rows, nor does one row that is too long.
  EXPECT_CONTAINS(refused("a,b\n1,2,\n3,4,\n"), "t.csv:2:1: the row has 3 cells but the header has 2;");
  EXPECT_CONTAINS(refused("a,b\n1,2,3\n3,4\n"), "t.csv:2:1: the row has 3 cells but the header has 2;");
}

TEST(Table, LeavesOutLinesOfSeparatorsAtTheEnd) {
  const Table table = parse_table("id,a\nx,1\ny,\n,\n , \n\n,,,\n", "t.csv");
  EXPECT_EQ(table.rows(), 2);
  EXPECT_EQ(table.contents[1].missing, 1);
  EXPECT_EQ(table.notices, std::vector<std::string>{"t.csv: 3 lines of separators alone at the end left out"});
  EXPECT_EQ(parse_table("id,a\n,\nx,1\n", "t.csv").rows(), 2) << "what stands between rows is one";
  EXPECT_CONTAINS(refused("id,a\n,,\nx,1\n"), "t.csv:2:1: the row has 3 empty cells but the header has 2;");
}

TEST(Table, NamesWhatIsNoTable) {
  EXPECT_CONTAINS(refused("PAR1\x15\x04"), "t.csv:1:1: the file is a Parquet file; write it as CSV");
  EXPECT_CONTAINS(refused("# a b\n1 2\n"), "the header begins with #");
  EXPECT_CONTAINS(refused("A title\nid,a\np,1\n"), "t.csv:1:1: the line has 1 cell but the next ones 2: it is a title");
  EXPECT_CONTAINS(refused("\"a\" \"b\"\n\"1\" 2 3\n"), "blanks seem to separate the columns");
  const auto mixed = [] {
    parse_table("id;a\nx;1.5\ny;2,5\n", "t.csv", {.keeps_text = [](std::string_view name) { return name == "id"; }});
  };
  EXPECT_CONTAINS(refusal(ExitCode::data, mixed),
                  "t.csv:2:3: a number in the column 'a' has a decimal point, but one in 'a' at 3:3 a comma;");
}

TEST(Table, RefusesATableWithoutAHeader) {
  for (const char* empty : {"", "\n\n", "\xEF\xBB\xBF", "   "}) EXPECT_CONTAINS(refused(empty), "the table is empty;");
}

TEST(Table, RefusesLinesFilesColumnsAndCellsBeyondTheLimits) {
  const std::string text = "id,a,b\nx,1,2\ny,3,4\n";
  EXPECT_CONTAINS(refused(text, {.file_bytes = 18}), "more than the limit of 18");
  EXPECT_CONTAINS(refused(text, {.line_bytes = 6}), "t.csv:1:1: the line is longer than 6 bytes;");
  EXPECT_CONTAINS(refused("id,a\nx,\"1\n2\n3\n4\n5\n6\"\n", {.line_bytes = 10}), "t.csv:2:1: the line is longer");
  EXPECT_CONTAINS(refused(text, {.columns = 2}), "t.csv:1:6: more than 2 columns;");
  EXPECT_CONTAINS(refused("x,y\na,1,2\n", {.columns = 2}), "t.csv:1:3: more than 2 columns;") << "one names rows";
  EXPECT_CONTAINS(refused(text, {.cells = 5}), "t.csv:3:1: more than 5 cells;");
  EXPECT_EQ(parse_table(text, "t.csv", {.file_bytes = 19, .line_bytes = 7, .columns = 3, .cells = 6}).rows(), 2);
}

TEST(Table, NamesAFileThatCannotBeRead) {
  const TemporaryFolder folder;
  const std::string message = refusal(ExitCode::file_system, [&] { read_table(folder.path() / "absent.csv"); });
  EXPECT_CONTAINS(message, "absent.csv");
  refusal(ExitCode::file_system, [&] { read_table(folder.path()); });
}

TEST(Table, RefusesMillionsOfCellsInOneLineWithoutAListOfThem) {
  const std::string many(16 << 20, ',');
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  EXPECT_CONTAINS(refused(many + "\n"), "t.csv:1:1000001: more than 1000000 columns");
  EXPECT_CONTAINS(refused("a,b\n" + many + "x\n"), "t.csv:2:1: the row has 16777217 cells but the header has 2");
  EXPECT_CONTAINS(refused("a,b\n" + many + "\""), "t.csv:2:16777217: a quoted field that never ends");
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 500 << 10);  // KiB; a string a cell takes 1 GiB
}

TEST(Table, SaysOfALongLineThatItIsLongWhereverItIsCut) {
  // One of them is cut between the two bytes of a character.
  for (const char* row : {"a,b\n1,2\n", "a,b\n11,2\n"}) {
    std::string text = row;
    while (text.size() < size_t{9} << 20) text += "\xC3\xA4";
    EXPECT_CONTAINS(refused(text, {.line_bytes = 1 << 20}), "t.csv:3:1: the line is longer than 1048576 bytes");
  }
}

TEST(Table, LooksBelowTheHeaderAtNoLineBeyondTheLimit) {
  const std::string text = "title\n" + std::string(9, 'a') + ",b\nid,a\n";
  EXPECT_CONTAINS(refused(text), "it is a title");
  EXPECT_CONTAINS(refused(text, {.line_bytes = 10}), "t.csv:2:1: the line is longer than 10 bytes");
}

TEST(Table, TakesNoDecimalPointFromAWordForMissing) {
  TableWishes wishes{.keeps_text = [](std::string_view) { return false; }};
  const std::string text = "id;a\nx;0,5\ny;-9.0\n";
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { parse_table(text, "t.csv", wishes); }), "decimal point");
  wishes.missing = {"-9"};
  const Table table = parse_table(text, "t.csv", wishes);
  EXPECT_EQ(table.number(0, 1), 0.5);
  EXPECT_EQ(table.contents[1].missing, 1);
}

TEST(Table, CountsNoCellsOfTheLinesLeftOutAtTheEnd) {
  const Table table = parse_table("id,a,b\nx,1,\ny,2,3\n,\n,,,,\n,,\n", "t.csv");
  EXPECT_EQ(table.notices, (std::vector<std::string>{"t.csv: 3 lines of separators alone at the end left out"}));
  const auto missing = [&](int column) { return table.contents[static_cast<size_t>(column)].missing; };
  EXPECT_EQ((std::vector<int>{missing(0), missing(1), missing(2)}), (std::vector<int>{0, 0, 1}));
}

TEST(Table, KeepsNoListOfLinesOfSeparatorsAlone) {
  constexpr int kLines = to_be_caught(5) < 5 ? 1 << 20 : 16 << 20;  // sanitizers take eight times as long
  std::string text = "a,b,c\n";
  for (int line = 0; line < kLines; ++line) text += ",\n";
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const std::string refusal = refused(text + "1,2,3\n");
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 500 << 10);  // KiB; a record of each took 700 MiB
  EXPECT_CONTAINS(refusal, "t.csv:6:1: the row has 2 empty cells but the header has 3; remove the line\n... and " +
                               std::to_string(kLines - 5));
}

TEST(Number, ReadsDecimalNumbersToTheNearestDouble) {
  const std::pair<const char*, double> cases[] = {
      {"0", 0},     {"-1.5", -1.5}, {"+3", 3},    {"1e-5", 1e-5}, {".5", 0.5},          {"5.", 5},
      {"0.1", 0.1}, {"1E+2", 100},  {"+.5", 0.5}, {"-0", -0.0},   {"4.9e-324", 5e-324}, {"1e308", 1e308}};
  for (const auto& [text, value] : cases) {
    const Number number = parse_number(text);
    EXPECT_EQ(number.kind, NumberKind::number) << text;
    EXPECT_EQ(number.value, value) << text;
  }
}

TEST(Number, TakesTheUsualSpellingsOfNoValueAsMissing) {
  for (const char* text :
       {"", "NA", "na", "NaN", "nan", "NAN", "N/A", "n/a", "?", "#N/A", "#n/a", "NULL", "null", "None", "<NA>", "."}) {
    EXPECT_EQ(parse_number(text).kind, NumberKind::missing) << text;
    EXPECT_TRUE(is_missing(text)) << text;
  }
  for (const char* text : {"NAA", "N", "??", "nano", "0", "none", "NONE", "<NA", "#NA", "..", "nulls"})
    EXPECT_FALSE(is_missing(text)) << text;
}

TEST(Table, TakesFurtherWordsAsMissingInTheColumnsAskedFor) {
  Table table = parse_table("id,a,b\n999,999,-9.0\n-9,unknown,9990\n", "t.csv");
  for (const int column : {1, 2}) take_as_missing(table, {"999", "-9", "unknown"}, column);
  EXPECT_EQ(table.at(0, 0), "999");
  EXPECT_EQ(table.at(1, 0), "-9");
  for (const auto& [row, column] : std::vector<std::pair<int, int>>{{0, 1}, {0, 2}, {1, 1}})
    EXPECT_EQ(table.at(row, column), "") << row << ", " << column;
  EXPECT_EQ(table.at(1, 2), "9990");
}

TEST(Number, SetsInfinitiesAndOverflowsApart) {
  for (const char* text :
       {"inf", "-inf", "+inf", "Infinity", "1e999", "-1e999", "1e99999999999999999999", "9999e400"}) {
    EXPECT_EQ(parse_number(text).kind, NumberKind::out_of_range) << text;
  }
}

TEST(Number, TakesWhatIsNearerToZeroThanAnyDoubleForZero) {
  const std::string zeros(400, '0');
  for (const std::string& text :
       {std::string("1e-400"), std::string("-1e-400"), std::string("1e-999"), std::string("+12345E-350"),
        std::string("1e-99999999999999999999"), "0." + zeros + "1", "." + zeros + "7e5", std::string("0.001e-330")}) {
    EXPECT_EQ(parse_number(text).kind, NumberKind::number) << text;
    EXPECT_EQ(parse_number(text).value, 0) << text;
  }
  EXPECT_EQ(parse_number("1" + zeros).kind, NumberKind::out_of_range);
  EXPECT_EQ(parse_number("1" + zeros + "e-100").value, 1e300);
  EXPECT_EQ(parse_number("1" + zeros + "e-50").kind, NumberKind::out_of_range);
}

TEST(Number, TakesEverythingElseAsText) {
  for (const char* text :
       {"abc", "1,5", "1 2", "0x10", "1e", "+-3", "++3", "+", "-", "..", "1_000", "-nan", "nan(2)", "12%"}) {
    EXPECT_EQ(parse_number(text).kind, NumberKind::text) << text;
  }
}

}  // namespace
}  // namespace equipoise
