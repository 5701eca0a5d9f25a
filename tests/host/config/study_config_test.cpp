// tests/host/config/study_config_test.cpp - the section [study] of a config, and the key data.inner_fold.
#include <gtest/gtest.h>

#include <cstdlib>

#include "host/config/config.h"
#include "host/run/prepared_data.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;

class StudySection : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("EQUIPOISE_SET"); }

  Config load(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return load_config(folder_.write("c.toml", "[data]\nviews = [\"a.csv\", \"b.csv\"]\n" + text), overrides);
  }
  std::string refused(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return refusal(ExitCode::usage, [&] { load(text, overrides); });
  }

  testing::TemporaryFolder folder_;
};

TEST_F(StudySection, SaysWhichModelsAStudyTrains) {
  const Config config = load(
      "[study]\nfolds = 10\nrepeats = 3\nseeds = 2\ninner_folds = 4\ngrid = [\"optimizer.lr=1e-4,1e-3\"]\nrandom = 20\n"
      "ranges = [\"model.hidden=int:8:64\"]\n");
  EXPECT_EQ(config.study, (StudyConfig{10, 3, 2, 4, {"optimizer.lr=1e-4,1e-3"}, 20, {"model.hidden=int:8:64"}}));
  EXPECT_EQ(load_config(folder_.write("again.toml", to_toml(config))), config) << to_toml(config);
  EXPECT_EQ(load("[study]\nfolds = 10\n").study, (StudyConfig{10, 1, 1, 0, {}, 0, {}}));
  EXPECT_EQ(load("[study]\nfolds = 10\n", {"study.folds=7", "study.grid=[\"train.epochs=5,6\"]"}).study,
            (StudyConfig{7, 1, 1, 0, {"train.epochs=5,6"}, 0, {}}));
  EXPECT_EQ(load("", {"study.seeds=9"}).study, (StudyConfig{5, 1, 9, 0, {}, 0, {}}));
  EXPECT_EQ(load("[study]\nfolds = 10\n", {"study.folds="}).study, StudyConfig{}) << "the default again";
}

TEST_F(StudySection, IsNotWrittenWhereThereIsNone) {
  const Config none = load("");
  EXPECT_EQ(none.study, std::nullopt);
  EXPECT_EQ(to_toml(none).find("study"), std::string::npos);
  const Config bare = load("[study]\n");
  EXPECT_EQ(bare.study, StudyConfig{});
  EXPECT_CONTAINS(to_toml(bare),
                  "\n[study]\nfolds = 5\nrepeats = 1\nseeds = 1\ninner_folds = 0\ngrid = []\nrandom = 0\n"
                  "ranges = []\n");
  EXPECT_EQ(without_study(bare), none);
  EXPECT_EQ(to_toml(without_study(bare)), to_toml(none));
  EXPECT_EQ(changed_config(bare, "c.toml", {"optimizer.lr=0.5"}).study, StudyConfig{});
}

TEST_F(StudySection, IsShownCommentedOut) {
  for (const std::string& system : preset_names()) {
    const std::string text = commented_config(system);
    EXPECT_CONTAINS(text, "\n# [study]\n# folds = 5 ");
    EXPECT_CONTAINS(text, "\n# grid = [\"optimizer.lr=1e-4,1e-3\"] ");
    EXPECT_EQ(load_config(folder_.write("p.toml", text)).study, std::nullopt);
  }
}

TEST_F(StudySection, RefusesNumbersBeyondTheirRanges) {
  EXPECT_CONTAINS(refused("[study]\nfolds = 1\n"),
                  "c.toml:4:9: study.folds is 1 but must be at least 2 and at most 100");
  EXPECT_CONTAINS(refused("[study]\nfolds = 101\n"), "study.folds is 101 but must be");
  EXPECT_CONTAINS(refused("[study]\nrepeats = 0\n"), "must be at least 1 and at most 1000");
  EXPECT_CONTAINS(refused("[study]\nseeds = 1001\n"), "must be at least 1 and at most 1000");
  EXPECT_CONTAINS(refused("[study]\nrandom = 100001\n"), "must be at least 0 and at most 100000");
  EXPECT_CONTAINS(
      refused("[study]\ninner_folds = 1\n"),
      "c.toml:4:15: study.inner_folds is 1, and one fold would leave no row to train; make it 0 or 2 to 100");
  EXPECT_CONTAINS(refused("[study]\ngrid = \"optimizer.lr=1,2\"\n"),
                  "study.grid is 'optimizer.lr=1,2' but must be a list");
  EXPECT_CONTAINS(refused("[study]\nfold = 3\n"), "unknown key 'study.fold'; did you mean 'study.folds'?");
  EXPECT_CONTAINS(refused("[studdy]\n"), "did you mean 'study'?");
}

class InnerFoldKey : public StudySection {
 protected:
  static constexpr const char* kFold = "split = \"s.csv\"\nfold = 1\n";
};

TEST_F(InnerFoldKey, IsKeptWhereItIsGiven) {
  const Config config = load(std::string(kFold) + "inner_fold = \"2/5\"\n");
  EXPECT_EQ(config.data.inner_fold, "2/5");
  EXPECT_EQ(load_config(folder_.write("again.toml", to_toml(config))), config) << to_toml(config);
  EXPECT_EQ(load(kFold, {"data.inner_fold=2/5"}), config);
  EXPECT_EQ(to_toml(load(kFold)).find("inner_fold"), std::string::npos);
  EXPECT_CONTAINS(commented_config("mldrl"), "\n# inner_fold = \"2/5\" ");
}

TEST_F(InnerFoldKey, IsRefusedWhereItNamesNoFoldOrThereIsNoOuterOne) {
  for (const char* none : {"\"0/5\"", "\"6/5\"", "\"2\"", "\"1/1\"", "2"})
    EXPECT_CONTAINS(refused(std::string(kFold) + "inner_fold = " + none + "\n"),
                    "which is no fold of 2 to 100; write the second of five as \"2/5\"");
  EXPECT_CONTAINS(refused("split = \"s.csv\"\ninner_fold = \"2/5\"\n"),
                  "c.toml:4:14: data.inner_fold divides the rows that data.fold leaves, and none is chosen; choose the "
                  "fold that tests, or drop the key");
}

TEST_F(InnerFoldKey, ChoosesTheRowsThatValidate) {
  std::string a = "id,x,label\n", b = "id,y\n", s = "id,fold\n";
  for (int i = 10; i < 50; ++i) {
    const std::string id = "p" + std::to_string(i);
    a += id + "," + std::to_string(i * i % 17) + "," + std::to_string(i % 2) + "\n";
    b += id + "," + std::to_string(i * i % 23) + "\n";
    s += id + "," + std::to_string(i / 2 % 4) + "\n";
  }
  folder_.write("a.csv", a), folder_.write("b.csv", b), folder_.write("s.csv", s);
  std::vector<int> validated;
  for (const char* inner : {"1/5", "2/5", "3/5", "4/5", "5/5"}) {
    const Split split = prepare_data(load(kFold, {std::string("data.inner_fold=") + inner})).split;
    EXPECT_EQ(split.test.size(), 10u);
    EXPECT_EQ(split.validation.size(), 6u) << "a fifth of thirty";
    validated.insert(validated.end(), split.validation.begin(), split.validation.end());
    validated.insert(validated.end(), split.test.begin(), split.test.end());
  }
  std::sort(validated.begin(), validated.end());
  validated.erase(std::unique(validated.begin(), validated.end()), validated.end());
  EXPECT_EQ(validated.size(), 40u);
}

}  // namespace
}  // namespace equipoise
