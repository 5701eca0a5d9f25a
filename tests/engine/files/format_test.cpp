// tests/engine/files/format_test.cpp - formats by their marks: read, or refused by name and number.
#include "engine/files/format.h"

#include <gtest/gtest.h>

#include "engine/base/error.h"

namespace equipoise {
namespace {

constexpr FileFormat kFormat{"equipoise shopping list", 3, 2};

std::string refused(const std::string& text) {
  try {
    expect_format("list.txt", kFormat, text);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::checkpoint);
    return e.what();
  }
  return "";
}

TEST(FileFormats, AreReadFromTheOldestToTheNewest) {
  EXPECT_EQ(mark(kFormat), "equipoise shopping list 3");
  EXPECT_EQ(expect_format("f", kFormat, "equipoise shopping list 2"), 2);
  EXPECT_EQ(expect_format("f", kFormat, mark(kFormat)), 3);
  EXPECT_EQ(expect_format("f", {"a", 2, 1}, ""), 1) << "files of before the numbers have none";
}

TEST(FileFormats, OfOtherNumbersAreRefusedByNameAndNumber) {
  EXPECT_EQ(
      refused("equipoise shopping list 4"),
      "list.txt: is equipoise shopping list 4, and this version reads numbers up to 3; use the version that wrote "
      "it, or a later one");
  EXPECT_EQ(refused(""),
            "list.txt: is equipoise shopping list 1, and this version reads numbers from 2; use the version that wrote "
            "it");
}

TEST(FileFormats, OfOtherFilesAreRefused) {
  for (const char* text :
       {"equipoise model 2", "equipoise shopping list", "equipoise shopping list x", "equipoise shopping list 3 ",
        "equipoise shopping list 0", "equipoise shopping list -1", "equipoise shopping list 99999999999999999999", "3"})
    EXPECT_NE(refused(text).find("where 'equipoise shopping list 3' belongs"), std::string::npos) << text;
}

}  // namespace
}  // namespace equipoise
