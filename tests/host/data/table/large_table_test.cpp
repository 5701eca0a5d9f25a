// tests/host/data/table/large_table_test.cpp - tables of several blocks, which are parsed at once.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "host/data/table/table.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;

constexpr int kLargeRows = 150'000;
constexpr int kLinesARow = 2;  // a note holds the end of a line

/// Some 7 MB. Numbers are known by their row; the word of a row is one of five, of every other row a note of its own.
std::string large_table() {
  std::string text = "id,half,word,note,wide\n";
  for (int i = 0; i < kLargeRows; ++i)
    text +=
        fmt::format("p{},{},w{},\"two \"\"lines\"\",\n{}\",{}\n", i, i * 0.5, i % 5, i, i == 140'000 ? "odd" : "1e3");
  return text;
}

class LargeTable : public ::testing::TestWithParam<int> {};  // threads

TEST_P(LargeTable, IsReadAlikeByAnyThreads) {
  TableWishes wishes;
  wishes.keeps_text = [](std::string_view name) { return name == "id" || name == "note"; };
  wishes.threads = GetParam();
  const Table table = parse_table(large_table(), "t.csv", wishes);
  ASSERT_EQ(table.rows(), kLargeRows);
  for (const int row : {0, 1, 77'777, 139'999, 140'000, kLargeRows - 1}) {
    EXPECT_EQ(table.at(row, 0), fmt::format("p{}", row));
    EXPECT_EQ(table.at(row, 3), fmt::format("two \"lines\",\n{}", row));
    EXPECT_EQ(table.number(row, 1), row * 0.5);
    EXPECT_EQ(table.where(row, 0), fmt::format("t.csv:{}:1", 2 + kLinesARow * row));
    EXPECT_EQ(table.lines[static_cast<size_t>(row)], static_cast<uint32_t>(2 + kLinesARow * row));
  }
  int wrong = 0;
  for (int row = 0; row < kLargeRows; ++row) wrong += table.number(row, 1) != row * 0.5;
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(table.contents[2].levels, (std::vector<std::string>{"w0", "w1", "w2", "w3", "w4"}));
  ASSERT_EQ(table.contents[2].words.size(), static_cast<size_t>(kLargeRows));
  for (int row = 0; row < kLargeRows; ++row)
    wrong += table.contents[2].words[static_cast<size_t>(row)] != std::pair(row, row % 5);
  EXPECT_EQ(wrong, 0);
  ASSERT_EQ(table.contents[4].odd.size(), 1u);
  EXPECT_EQ(table.contents[4].odd[0].row, 140'000);
  EXPECT_EQ(table.where(table.contents[4].odd[0].place), "t.csv:280003:9");
  EXPECT_EQ(table.contents[4].numbers, kLargeRows - 1);
}
INSTANTIATE_TEST_SUITE_P(Threads, LargeTable, ::testing::Values(1, 2, 4));

TEST(LargeTable, IsRefusedWhereItIsWrong) {
  std::string text = large_table() + "p,1,w\n";
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { parse_table(text, "t.csv"); }),
                  fmt::format("t.csv:{}:1: the row has 3 cells but the header has 5;", 2 + kLinesARow * kLargeRows));
  text = large_table() + "\"p,1,w,n,2\n";
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { parse_table(text, "t.csv"); }),
                  fmt::format("t.csv:{}:1: a quoted field that never ends", 2 + kLinesARow * kLargeRows));
}

TEST(LargeTable, DoesNotRememberMoreLevelsThanAColumnOfClassesMayHave) {
  std::string text = "id,note\n";
  for (int i = 0; i < 300; ++i) text += fmt::format("p{},n{}\n", i, i % 257);
  const auto none = [](std::string_view) { return false; };
  const Table many = parse_table(text, "t.csv", {.keeps_text = none});
  EXPECT_TRUE(many.contents[1].many_levels);
  EXPECT_TRUE(many.contents[1].levels.empty() && many.contents[1].words.empty());
  text.resize(text.find("p256"));
  EXPECT_EQ(parse_table(text, "t.csv", {.keeps_text = none}).contents[1].levels.size(), 256u);
}

}  // namespace
}  // namespace equipoise
