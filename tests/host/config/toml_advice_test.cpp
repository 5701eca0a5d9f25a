// tests/host/config/toml_advice_test.cpp - the two mistakes that TOML's own messages do not explain.
#include "host/config/toml_advice.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "host/config/config.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;
using testing::TemporaryFolder;

class TomlAdvice : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("EQUIPOISE_SET"); }
  std::string refused(const std::string& text) const {
    return refusal(ExitCode::usage, [&] { load_config(folder_.write("c.toml", text)); });
  }

  TemporaryFolder folder_;
};

TEST_F(TomlAdvice, PutsQuotesAroundWords) {
  EXPECT_CONTAINS(refused("[model]\nkind = mldrl\n"), "c.toml:2:8: ");
  EXPECT_CONTAINS(refused("[model]\nkind = mldrl\n"), "; words stand in quotes: kind = \"mldrl\"");
  EXPECT_CONTAINS(refused("[data]\noutcome=tables/outcome.csv  # all\n"), "outcome = \"tables/outcome.csv\"");
  EXPECT_CONTAINS(refused("[data]\nviews = [before.csv, after.csv]\n"), "views = [\"before.csv\"]");
  EXPECT_CONTAINS(refused("[data]\nlabel = t\xC3\xB6t\r\n"), "label = \"t\xC3\xB6t\"");
}

TEST_F(TomlAdvice, KnowsBackslashesOfWindows) {
  const std::string message = refused("[data]\nviews = [\"C:\\Users\\x.csv\"]\n");
  EXPECT_CONTAINS(message, "c.toml:2:");
  EXPECT_CONTAINS(message, "write 'C:\\Users\\x.csv' in single quotes, or \"C:/Users/x.csv\"");
  EXPECT_CONTAINS(refused("[data]\nid = \"a\"\noutcome = \"D:\\data\\o.csv\"\n"), "\"D:/data/o.csv\"");
}

TEST_F(TomlAdvice, KnowsBackslashesThatMakeOtherCharacters) {
  // Valid TOML: a line end and a tabulator.
  const std::string message = refused("[data]\nviews = [\"C:\\new\\test.csv\", \"b.csv\"]\n");
  EXPECT_CONTAINS(message, "c.toml:2:9: data.views");
  EXPECT_CONTAINS(message, "as \\n in double quotes makes; write the path in single quotes, or with / in place of \\");
  EXPECT_CONTAINS(refused("[data]\noutcome = \"\\u0001\"\n"), "holds a control character; write");
}

TEST_F(TomlAdvice, TakesAFileThatIsCalledSo) {
  folder_.write("a\tb.csv", "id\n");
  const Config config = load_config(folder_.write("c.toml", "[data]\nviews = [\"a\\tb.csv\", \"b.csv\"]\n"));
  EXPECT_EQ(config.data.views[0].file, folder_.path() / "a\tb.csv");
}

TEST_F(TomlAdvice, SaysNoMoreThanItKnows) {
  for (const char* text : {"[data\n", "[data]\nid = \n", "[data]\nid = \"x\n", "[data]\nrows = 1 2\n", "[data]\n= 3\n",
                           "[data]\nid = 'a\\b\n", "[data]\nx # \"a\\b\"\n"})
    EXPECT_CONTAINS(refused(text), "; correct the TOML");
  EXPECT_EQ(toml_advice("a = b", 7), "correct the TOML");
}

}  // namespace
}  // namespace equipoise
