// tests/host/config/select_config_test.cpp - the section [select] of a config.
#include <gtest/gtest.h>

#include <cstdlib>

#include "host/config/config.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;

class SelectSection : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("EQUIPOISE_SET"); }

  Config load(const std::string& section, const std::vector<std::string>& overrides = {}) {
    return load_config(folder_.write("c.toml",
                                     "[data]\nviews = [\"a.csv\"]\n[model]\nlosses = [\"reconstruction\", "
                                     "\"classification\"]\n" +
                                         section),
                       overrides);
  }
  std::string refused(const std::string& section, const std::vector<std::string>& overrides = {}) {
    return refusal(ExitCode::usage, [&] { load(section, overrides); });
  }

  testing::TemporaryFolder folder_;
};

TEST_F(SelectSection, SaysMethodsAndWhatTheyKeep) {
  const Config config = load("[select]\nmethods = [\"variance:least=1e-8\", \"forest\"]\nkeep = 81\nper = \"all\"\n");
  EXPECT_EQ(config.select, (SelectConfig{{"variance:least=1e-8", "forest"}, 81, "all"}));
  EXPECT_EQ(load_config(folder_.write("again.toml", to_toml(config))), config);
  EXPECT_EQ(load("[select]\nmethods = [\"correlation\"]\n").select, (SelectConfig{{"correlation"}, 0, "view"}));
}

TEST_F(SelectSection, IsNotWrittenWhereNothingIsSelected) {
  EXPECT_EQ(to_toml(load("")).find("select"), std::string::npos);
  EXPECT_EQ(to_toml(load("[select]\nmethods = []\n")), to_toml(load("")));
}

TEST_F(SelectSection, IsRefusedWhereItSaysNothing) {
  EXPECT_CONTAINS(refused("[select]\nkeep = 5\n"),
                  "select.keep belongs to select.methods that are not empty; remove it");
  EXPECT_CONTAINS(refused("[select]\nmethods = [\"anova\"]\n"), "c.toml:6:11: select.methods 'anova': it ranks");
  EXPECT_CONTAINS(refused("[select]\nmethods = [\"annova\"]\nkeep = 5\n"), "did you mean 'anova'?");
  EXPECT_CONTAINS(refused("[select]\nmethods = [\"anova\"]\nkeep = 5\nper = \"both\"\n"),
                  "must be one of \"view\", \"all\"");
  EXPECT_CONTAINS(refused("[select]\nmethods = \"anova\"\nkeep = 5\n"), "must be a list");
  EXPECT_CONTAINS(refused("[select]\nmethod = [\"anova\"]\n"), "did you mean 'select.methods'?");
}

TEST_F(SelectSection, FallsAwayWhereAnOverrideTakesTheMethodsAway) {
  const std::string section = "[select]\nmethods = [\"anova\"]\nkeep = 5\n";
  EXPECT_EQ(load(section, {"select.methods=[]"}), load(""));
  EXPECT_EQ(load(section, {"select.keep=7"}).select.keep, 7);
  EXPECT_EQ(load("", {"select.methods=[\"auc\"]", "select.keep=7"}).select, (SelectConfig{{"auc"}, 7, "view"}));
}

TEST_F(SelectSection, IsShownByInitAsAnExampleThatWorks) {
  std::string text = commented_config("mldrl");
  for (const std::string line : {"# methods = [\"forest\"]", "# keep = 81", "# per = \"view\""}) {
    const std::size_t at = text.find("\n" + line);
    ASSERT_NE(at, text.npos) << line;
    text.erase(at + 1, 2);
  }
  EXPECT_EQ(load_config(folder_.write("i.toml", text)).select, (SelectConfig{{"forest"}, 81, "view"}));
}

}  // namespace
}  // namespace equipoise
