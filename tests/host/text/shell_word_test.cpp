// tests/host/text/shell_word_test.cpp - what a shell reads back as the word that was meant.
#include "host/text/shell_word.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace equipoise {
namespace {

TEST(ShellWord, LeavesPlainWordsAlone) {
  for (const char* word : {"runs/demo", "a.toml", "--out", "x_1-2,3:4=5@6%7+8", "\xC3\xA4"})
    EXPECT_EQ(shell_word(std::string(word)), word);
}

TEST(ShellWord, QuotesWhatAShellWouldReadOtherwise) {
  EXPECT_EQ(shell_word(std::string("my run")), "'my run'");
  EXPECT_EQ(shell_word(std::string()), "''");
  EXPECT_EQ(shell_word(std::filesystem::path("it's")), "'it'\\''s'");
}

TEST(ShellWord, IsReadBackByAShell) {
  for (const std::string text : {"a b", "",      "$HOME", "`x`",   "a'b''c", "~",   "*",  "a\tb\nc", "!x", "#x", "\"",
                                 "\\",  "a;b&c", "(x)",   "{a,b}", "[a]",    "x|y", "<>", "^a",      "=b", "%1"}) {
    const std::string command = "printf '%s|' " + shell_word(text);
    FILE* shell = ::popen(command.c_str(), "r");
    ASSERT_NE(shell, nullptr);
    std::string read;
    for (int c = std::fgetc(shell); c != EOF; c = std::fgetc(shell)) read += static_cast<char>(c);
    EXPECT_EQ(::pclose(shell), 0) << command;
    EXPECT_EQ(read, text + "|") << command;
  }
}

}  // namespace
}  // namespace equipoise
