// tests/host/commands/init_test.cpp - the configs that init prints, one for each system.
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "host/config/config.h"
#include "host/config/config_schema.h"
#include "tests/host/temporary_folder.h"

namespace equipoise::test {
namespace {

using testing::refusal;
using testing::TemporaryFolder;

class CommentedConfigs : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("EQUIPOISE_SET"); }

  Config load(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return load_config(folder_.write("c.toml", text), overrides);
  }

  TemporaryFolder folder_;
};

TEST_F(CommentedConfigs, LoadAsTheyStand) {
  for (const std::string& system : preset_names()) {
    const Config config = load(commented_config(system));
    EXPECT_EQ(load(to_toml(config)), config) << system;
  }
  EXPECT_EQ(load(commented_config("towers")).data.source, "gradnorm-towers");
  EXPECT_EQ(load(commented_config("trunk")).data.source, "gradnorm-toy");
  EXPECT_EQ(load(commented_config("vaegan")).data.views[0], folder_.path() / "features.csv");
  EXPECT_CONTAINS(refusal(ExitCode::usage, [] { commented_config("gan"); }), "mldrl, towers, trunk, vaegan");
}

/// The lines of a config that begin with one of the keys, with comments and padding cut off.
std::vector<std::string> values_of(const std::string& config, const std::vector<std::string>& keys) {
  std::istringstream lines(config);
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);)
    for (const std::string& key : keys)
      if (line.starts_with(key + " = ")) {
        line = line.substr(0, line.find(" # "));
        found.push_back(line.substr(0, line.find_last_not_of(' ') + 1));
      }
  return found;
}

TEST_F(CommentedConfigs, MeanWhatAConfigWithoutTheirOptionalKeysMeans) {
  for (const std::string& system : preset_names()) {
    const std::string text = commented_config(system);
    std::string bare = "[data]\n";
    for (const std::string& line : values_of(text, {"source", "views", "outcome"})) bare += line + "\n";
    bare += "[model]\n";
    for (const std::string& line : values_of(text, {"kind", "variant"}))
      if (line.find("adam") == line.npos && line.find("rmsprop") == line.npos) bare += line + "\n";
    EXPECT_EQ(to_toml(load(bare)), to_toml(load(text))) << bare;
  }
}

TEST_F(CommentedConfigs, SayWhatTheVariantDecidesInItsOwnWords) {
  const std::vector<std::string> keys{"output_activation", "inherent_variational", "over", "variant"};
  for (const std::string& system : preset_names()) {
    const std::string text = commented_config(system);
    EXPECT_EQ(values_of(text, keys), values_of(to_toml(load(text)), keys)) << system;
  }
  EXPECT_EQ(values_of(commented_config("mldrl"), keys),
            (std::vector<std::string>{"variant = \"paper\"", "output_activation = \"identity\"",
                                      "inherent_variational = \"ratio\"", "over = \"heads\""}));
  EXPECT_EQ(values_of(commented_config("towers"), {"methods"})[0],
            "methods = [\"gradnorm:loss_ratio=weighted,renormalise=in_loss,network=on\"]");
  EXPECT_EQ(values_of(commented_config("trunk"), {"methods"})[0],
            "methods = [\"gradnorm:restart=each_step,network=on\"]");
}

TEST_F(CommentedConfigs, ShowHowOnesOwnTablesAreNamed) {
  for (const std::string system : {"towers", "trunk"}) {
    std::string text = commented_config(system);
    for (const std::string key : {"views", "outcome", "id", "tasks"}) {
      const size_t at = text.find("\n# " + key + " = ");
      ASSERT_NE(at, text.npos) << key;
      text.erase(at + 1, 2);
    }
    const Config config = load(text, {"data.source=tables"});
    EXPECT_EQ(config.data.tasks.size(), 4u);
    EXPECT_EQ(*config.data.outcome, folder_.path() / "outcome.csv");
  }
}

TEST_F(CommentedConfigs, ShowEveryKeyWithItsMeaning) {
  for (const std::string& system : preset_names()) {
    const std::string text = commented_config(system);
    const Config config = load(text);
    for (const ConfigKey& key : config_keys()) {
      if (!key.known_to(config)) continue;
      EXPECT_CONTAINS(text, std::string(key.name) + " = ");
      EXPECT_CONTAINS(text, "# " + std::string(key.meaning) + "\n");
    }
  }
}

}  // namespace
}  // namespace equipoise::test
