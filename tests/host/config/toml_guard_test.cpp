// tests/host/config/toml_guard_test.cpp - keys of endlessly many parts are found behind strings of every kind.
#include "host/config/toml_guard.h"

#include <gtest/gtest.h>

#include <string>

#include "host/config/config.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

std::string parts(int count) {
  std::string key = "a";
  for (int i = 1; i < count; ++i) key += ".a";
  return key;
}

TEST(TomlGuard, CountsThePartsOfKeys) {
  EXPECT_EQ(find_toml_trouble(parts(65) + " = 1").line, 0);
  EXPECT_EQ(find_toml_trouble("\n\n" + parts(66) + " = 1").line, 3);
  EXPECT_EQ(find_toml_trouble("[" + parts(66) + "]").line, 1);
  EXPECT_EQ(find_toml_trouble("x = {" + parts(66) + " = 1}").line, 1);
  EXPECT_EQ(find_toml_trouble(parts(40) + " = 1\n" + parts(40) + " = 2").line, 0);
  EXPECT_EQ(find_toml_trouble(parts(40) + ".\"b\"." + parts(40) + " = 1").line, 1);
}

TEST(TomlGuard, PassesOverStringsAndComments) {
  const std::string many = parts(100);
  for (const std::string& text :
       {"x = \"" + many + "\"", "x = '" + many + "'", "# " + many, "x = \"\"\"\n" + many + "\n\"\"\"\ny = 1",
        "x = '''\n" + many + "'''", "x = \"\\\"" + many + "\"", "x = \"\"\"a\"\"" + many + "\"\"\"",
        "x = [\"" + many + "\", '" + many + "']  # it's\ny = 1"})
    EXPECT_EQ(find_toml_trouble(text).line, 0) << text;
}

TEST(TomlGuard, IsNotFooledByWhatStandsBefore) {
  const std::string many = parts(100);
  for (const std::string& text :
       {"\"\\\"\"." + many + " = 1", "[\"\\\"\"." + many + "]", "x = {k = \"a\\\"\", " + many + " = 1}",
        "x = {k = '''it's''', " + many + " = 1}", "x = {k = \"\"\"a\"\"\"\", " + many + " = 1}",
        "x = {k = \"\"\"a\"\"\"\"\", " + many + " = 1}", "x = {k = ''''a'''', " + many + " = 1}",
        "x = {k = \"\\\\\", " + many + " = 1}", "x = {k = '\\', " + many + " = 1}", "x = {k = \"\", " + many + " = 1}"})
    EXPECT_EQ(find_toml_trouble(text).line, 1) << text;
  EXPECT_EQ(find_toml_trouble("x = \"\"\"\\\n\"\"\"\n" + many).line, 3);
  EXPECT_EQ(find_toml_trouble("x = \"open\n" + many).line, 2);
  EXPECT_EQ(find_toml_trouble("# 'open\n" + many).line, 2);
}

TEST(TomlGuard, FindsSectionsThatBeginWithADot) {
  EXPECT_EQ(find_toml_trouble("x = 1\n[.data]").line, 2);
  EXPECT_EQ(find_toml_trouble("[[ .data]]").line, 1);
  EXPECT_EQ(find_toml_trouble(" [.data]").line, 1);
  for (const char* text : {"[data.x]", "x = [1.5, .5]", "[\"a\".b]", "x = \"[.]\"", "# [.data]"})
    EXPECT_EQ(find_toml_trouble(text).line, 0) << text;
}

TEST(TomlGuard, StandsBeforeConfigsAndSettings) {
  const testing::TemporaryFolder folder;
  const std::string many = parts(60'000), views = "[data]\nviews = [\"a.csv\", \"b.csv\"]\n";
  for (const std::string& text : {"\"\\\"\"." + many + " = 1\n", std::string("[.data]\n")})
    EXPECT_CONTAINS(testing::refusal(ExitCode::usage, [&] { load_config(folder.write("c.toml", views + text)); }),
                    "c.toml:3:1: ");
  const auto path = folder.write("c.toml", views);
  EXPECT_CONTAINS(testing::refusal(ExitCode::usage, [&] { load_config(path, {"train.epochs=1\n" + many + "=1"}); }),
                  "1 a.a.a.a.a");
}

}  // namespace
}  // namespace equipoise
