// tests/host/config/hostile_config_test.cpp - configs that are long for the sake of being long are refused soon, and in
// few words.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "host/config/config.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;

class HostileConfig : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("EQUIPOISE_SET"); }

  /// Refused within some seconds, which allow for sanitizers; a second is the aim.
  std::string refused(const std::string& text) {
    const auto path = folder_.write("c.toml", text);
    const auto start = std::chrono::steady_clock::now();
    const std::string sentences = refusal(ExitCode::usage, [&] { load_config(path, {}); });
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
    EXPECT_LT(sentences.size(), 20'000u);
    return sentences;
  }
  static std::string times(int count, const std::string& before, const std::string& after) {
    std::string text;
    for (int i = 0; i < count; ++i) text += before + std::to_string(i) + after;
    return text;
  }

  testing::TemporaryFolder folder_;
  const std::string data_ = "[data]\nviews = [\"a.csv\", \"b.csv\"]\n";
};

TEST_F(HostileConfig, OfSettingsThatAreNotUtf8IsRefusedBeforeItIsStored) {
  const auto path = folder_.write("c.toml", data_);
  for (const std::string setting : {"data.label=caf\xe9", "data.label=a\xc3", "caf\xe9=1"})
    EXPECT_CONTAINS(refusal(ExitCode::usage, [&] { load_config(path, {setting}); }),
                    "--set '" + setting + "': is not UTF-8");
  EXPECT_EQ(load_config(path, {"data.label=café"}).data.label, "café");
}

TEST_F(HostileConfig, ThatIsNoneIsNotQuoted) {
  for (const std::string& foreign :
       {std::string("root:x:0:0:root:/root:/bin/sh\n"), std::string("API_KEY=s3cret\nother\n"),
        std::string("-----BEGIN PRIVATE KEY-----\ns3cret\n"),
        std::string("\x7f"
                    "ELF\0\1s3cret = x\n",
                    18)}) {
    const std::string message = refused(foreign);
    EXPECT_CONTAINS(message, "c.toml: is no config: it is not TOML, and names none of the sections data, ");
    EXPECT_EQ(message.find("s3cret"), message.npos) << message;
    EXPECT_EQ(message.find("root"), message.npos) << message;
    EXPECT_EQ(message.find("BEGIN"), message.npos) << message;
  }
  // One with a slip is helped with it.
  EXPECT_CONTAINS(refused("[data]\nid = name\n"), "words stand in quotes: id = \"name\"");
  EXPECT_CONTAINS(refused("  data.id = name\n"), "words stand in quotes");
}

TEST_F(HostileConfig, OfUnknownNamesIsToldInTwentyLinesAndACount) {
  const std::string keys = refused(data_ + "[train]\n" + times(16'000, "k", " = 1\n"));
  EXPECT_EQ(std::count(keys.begin(), keys.end(), '\n'), 20);
  EXPECT_CONTAINS(keys, "unknown key 'train.k0'");
  EXPECT_TRUE(keys.ends_with("\n... and 15980 more like these")) << keys;
  const std::string sections = refused(data_ + times(16'000, "[s", "]\nk = 1\n"));
  EXPECT_EQ(std::count(sections.begin(), sections.end(), '\n'), 20);
  EXPECT_TRUE(sections.ends_with("\n... and 15980 more like these")) << sections;
  const std::string few = refused(data_ + "[train]\n" + times(20, "k", " = 1\n"));
  EXPECT_EQ(std::count(few.begin(), few.end(), '\n'), 19);
}

TEST_F(HostileConfig, OfEndlessListsIsRefusedByTheirLength) {
  EXPECT_CONTAINS(refused(data_ + "[[balance]]\nover = [" + times(40'000, "\"n", "\",") + "]\n"),
                  "has 40000 elements; give at most 1000");
  const std::string trunk =
      "[data]\nsource = \"gradnorm-toy\"\n[model]\nkind = \"mtl\"\nvariant = \"trunk\"\ntrunk = [";
  EXPECT_CONTAINS(refused(trunk + times(129, "1", ",") + "]\n"), "has 129 elements; give at most 128");
  std::string widths;
  for (int layer = 0; layer < 128; ++layer) widths += "4,";
  EXPECT_NO_THROW(load_config(folder_.write("c.toml", trunk + widths + "]\n"), {}));
}

}  // namespace
}  // namespace equipoise
