// tests/host/config/tables_in_config_test.cpp - keys whose values are tables: views that share a file, and transforms.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "host/config/config.h"
#include "host/data/cohort.h"
#include "host/run/prepared_data.h"
#include "tests/host/config/model_of.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::model_of;
using testing::refusal;
using testing::TemporaryFolder;

class TablesInConfig : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("EQUIPOISE_SET"); }

  Config load(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return load_config(folder_.write("c.toml", text), overrides);
  }
  std::string refused(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return refusal(ExitCode::usage, [&] { load(text, overrides); });
  }

  TemporaryFolder folder_;
};

const std::string kShared =
    "[data]\nviews = [{file = \"all.csv\", columns = \"t0_*\"}, {columns = \"t1_*\", file = \"all.csv\"}]\n";

TEST_F(TablesInConfig, MayNameColumnsOfATableThatViewsShare) {
  const Config config = load(kShared);
  const ViewSource first(folder_.path() / "all.csv", {"t0_*"}), second(folder_.path() / "all.csv", {"t1_*"});
  EXPECT_EQ(config.data.views, (std::vector<ViewSource>{first, second}));
  EXPECT_EQ(load(to_toml(config)), config) << to_toml(config);
  const Config mixed = load("[data]\nviews = [\"a.csv\", {file = \"b.csv\"}]\n");
  EXPECT_EQ(mixed.data.views[1], ViewSource(folder_.path() / "b.csv"));
  EXPECT_EQ(load(kShared, {"data.views=[{file = \"/x.csv\", columns = \"a*\"}, \"/y.csv\"]"}).data.views,
            (std::vector<ViewSource>{ViewSource("/x.csv", {"a*"}), "/y.csv"}));
  const Config lists = load(
      "[data]\nviews = [{file = \"a.csv\", columns = [\"x\", \"y*\"], leave_out = [\"*_sd\", \"z\"]}, \"b.csv\"]\n"
      "columns = [\"x*\", \"y*\"]\nleave_out = \"y9\"\n");
  EXPECT_EQ(lists.data.views[0].columns, (std::vector<std::string>{"x", "y*"}));
  EXPECT_EQ(lists.data.views[0].leave_out, (std::vector<std::string>{"*_sd", "z"}));
  EXPECT_EQ(lists.data.leave_out, std::vector<std::string>{"y9"});
  EXPECT_EQ(load(to_toml(lists)), lists) << to_toml(lists);
}

TEST_F(TablesInConfig, MayBeginAtTheUsersHome) {
  const char* home = std::getenv("HOME");
  ASSERT_NE(home, nullptr);
  EXPECT_EQ(load("[data]\nviews = [\"~/a.csv\", \"b~/c.csv\"]\n").data.views,
            (std::vector<ViewSource>{std::filesystem::path(home) / "a.csv", folder_.path() / "b~/c.csv"}));
}

TEST_F(TablesInConfig, MayMapPatternsToTransforms) {
  const std::map<std::string, std::string> expected = {{"*_count", "log1p"}, {"area", "sqrt"}};
  const Config inlined = load(kShared + "transform = {\"*_count\" = \"log1p\", area = \"sqrt\"}\n");
  EXPECT_EQ(inlined.data.transform, expected);
  EXPECT_EQ(load(kShared + "[data.transform]\narea = \"sqrt\"\n\"*_count\" = \"log1p\"\n"), inlined);
  EXPECT_EQ(load(kShared, {"data.transform={area = \"sqrt\", \"*_count\" = \"log1p\"}"}), inlined);
  EXPECT_EQ(load(to_toml(inlined)), inlined) << to_toml(inlined);
}

TEST_F(TablesInConfig, MayNameWordsOfTheTablesAsTheyStandThere) {
  using Names = std::vector<std::string>;
  const Config config = load(kShared +
                             "missing = [\"unknown\", -9, 99.5]\nunlabelled = -1\npositive = \"case\"\n"
                             "allow = \"Label\"\ngroup = \"family\"\noutliers = \"clip\"\n"
                             "split = \"s.csv\"\nrepeat = 2\nfold = 3\n");
  EXPECT_EQ(config.data.missing, (Names{"unknown", "-9", "99.5"}));
  EXPECT_EQ(config.data.unlabelled, Names{"-1"});
  EXPECT_EQ(config.data.positive, Names{"case"});
  EXPECT_EQ(config.data.allow, Names{"Label"});
  EXPECT_EQ(config.data.group, "family");
  EXPECT_EQ(config.data.outliers, "clip");
  EXPECT_EQ(config.data.repeat, 2);
  EXPECT_EQ(config.data.fold, "3");
  EXPECT_EQ(load(to_toml(config)), config) << to_toml(config);
  EXPECT_EQ(load(kShared + "positive = {died = \"yes\", stage = 2}\n").data.positive, (Names{"died=yes", "stage=2"}));
  EXPECT_EQ(load(kShared + "unlabelled = []\n").data.unlabelled, Names{}) << "none is not the same as not said";
  const Config set = load(kShared, {"data.positive=true", "data.unlabelled=01", "data.missing=[1, \"x\"]"});
  EXPECT_EQ(set.data.positive, Names{"true"});
  EXPECT_EQ(set.data.unlabelled, Names{"01"});
  EXPECT_EQ(set.data.missing, (Names{"1", "x"}));
  const std::string unsaid = to_toml(load(kShared));
  for (const char* key : {"missing", "unlabelled", "positive", "allow", "group", "outliers", "repeat", "fold"})
    EXPECT_EQ(unsaid.find(std::string("\n") + key + " ="), std::string::npos) << key;
}

TEST_F(TablesInConfig, LeaveEmptyViewsOutUnlessTheyAreToBeImputed) {
  const Config config = load(kShared);
  EXPECT_FALSE(config.data.imputes_empty());
  EXPECT_CONTAINS(to_toml(config), "\nempty_views = \"leave_out\"\n");
  const Config imputed = load(kShared + "empty_views = \"impute\"\n");
  EXPECT_TRUE(imputed.data.imputes_empty());
  EXPECT_EQ(load(to_toml(imputed)), imputed);
  EXPECT_NE(imputed, config);
  EXPECT_CONTAINS(refused(kShared + "empty_views = \"inpute\"\n"), "did you mean 'impute'?");
}

TEST_F(TablesInConfig, TakeTheOlderWordForOutliersThatAreTold) {
  const Config config = load(kShared + "outliers = \"keep\"\n");
  EXPECT_EQ(config.data.outliers, "tell");
  EXPECT_EQ(config, load(kShared + "outliers = \"tell\"\n"));
  EXPECT_EQ(config, load(kShared, {"data.outliers=keep"}));
  EXPECT_CONTAINS(commented_config("mldrl"), "\n# outliers = \"tell\" ");
}

TEST_F(TablesInConfig, RefuseWordsAndChoicesThatAreNone) {
  EXPECT_CONTAINS(refused(kShared + "missing = [true]\n"), "but must be a word in quotes or a number");
  EXPECT_CONTAINS(refused(kShared + "group = \"\"\n"), "but must be a word in quotes or a number");
  EXPECT_CONTAINS(refused(kShared + "outliers = \"cilp\"\n"),
                  "must be one of \"tell\", \"clip\", \"refuse\"; did you mean 'clip'?");
  EXPECT_CONTAINS(refused(kShared + "repeat = 1.5\nsplit = \"s.csv\"\n"), "must be a whole number");
  EXPECT_CONTAINS(refused(kShared + "repeat = 1\n"),
                  "c.toml:3:10: data.repeat chooses from the table of data.split, and none is named");
  EXPECT_CONTAINS(refused(kShared + "group = \"id\"\n"), "data.group names 'id', which is the id or the label");
}

TEST_F(TablesInConfig, AreRefusedWithTheirPlacesWhereTheyAreWrong) {
  const auto views = [&](const std::string& value) { return refused("[data]\nviews = " + value + "\n"); };
  EXPECT_CONTAINS(views("[{file = \"a.csv\", colums = \"x\"}, \"b.csv\"]"),
                  "has the unknown key 'colums'; did you mean 'columns'?");
  EXPECT_CONTAINS(views("[{columns = \"x\"}, \"b.csv\"]"), "must name a file");
  EXPECT_CONTAINS(views("[{file = \"a.csv\", columns = \"\"}, \"b.csv\"]"), "must be a pattern of names");
  EXPECT_CONTAINS(views("[{file = \"a.csv\", leave_out = [\"x\", 3]}, \"b.csv\"]"), "must be a pattern of names");
  EXPECT_CONTAINS(views("[{file = \"a.csv\", columns = []}, \"b.csv\"]"), "or a list of them");
  EXPECT_CONTAINS(views("[{file = 3}, \"b.csv\"]"), "must be the path of a file");
  EXPECT_CONTAINS(views("[3, \"b.csv\"]"), "c.toml:2:9: data.views is 3 but must be the path of a file, or {file");
  EXPECT_CONTAINS(views("{file = \"a.csv\"}"), "must be a list");
  EXPECT_CONTAINS(refused(kShared + "transform = \"log1p\"\n"), "must be a table in braces");
  EXPECT_CONTAINS(refused(kShared + "transform = {x = \"log2\"}\n"), "must be one of \"log1p\", \"log\", \"sqrt\"");
  EXPECT_CONTAINS(refused(kShared + "transform = {x = 1}\n"), "data.transform is 1 but must be one of");
  EXPECT_CONTAINS(refused(kShared + "transform = {x = 1}\n"), "(the entry 'x'");
}

TEST_F(TablesInConfig, ChooseFeaturesAndLeaveTheRest) {
  std::string table = "id,t0_a,t1_a,t0_b,other,label\n";
  for (int i = 0; i < 20; ++i)
    table += "p" + std::to_string(10 + i) + "," + std::to_string(i) + "," + std::to_string(i * i) + ",1." +
             std::to_string(i) + ",7," + std::to_string(i % 2) + "\n";
  folder_.write("all.csv", table);
  const PreparedData prepared = prepare_data(load(kShared + "transform = {t1_a = \"sqrt\"}\n"));
  EXPECT_EQ(prepared.preprocess.views[0].columns, (std::vector<std::string>{"t0_a", "t0_b"}));
  EXPECT_EQ(prepared.preprocess.views[1].columns, std::vector<std::string>{"t1_a"});
  EXPECT_EQ(prepared.files.size(), 1u) << "one file, read for both views";
  const auto& rows = prepared.split.train;
  double sum = 0;
  for (const int row : rows) sum += row;  // sqrt(i * i); rows are in the order of ids
  EXPECT_NEAR(prepared.preprocess.views[1].mean[0], sum / static_cast<double>(rows.size()), 1e-12);
  const auto columns_of = [&](const std::string& text) {
    std::vector<std::string> all;
    for (const FittedView& view : prepare_data(load("[data]\nviews = [" + text)).preprocess.views)
      all.insert(all.end(), view.columns.begin(), view.columns.end());
    return all;
  };
  using Names = std::vector<std::string>;
  const std::string left = "{file = \"all.csv\", leave_out = [\"t1_*\", \"o*\"]}, ";
  EXPECT_EQ(columns_of(left + "{file = \"all.csv\", columns = [\"t1_a\", \"other\"]}]\n"),
            (Names{"t0_a", "t0_b", "t1_a", "other"}));
  EXPECT_EQ(columns_of(left + "\"all.csv\"]\ncolumns = [\"*_a\", \"other\"]\n"),
            (Names{"t0_a", "t0_a", "t1_a", "other"}));
  EXPECT_EQ(columns_of(left + "\"all.csv\"]\nleave_out = \"*_a\"\n"), (Names{"t0_b", "t0_b", "other"}));
  const auto refused_data = [&](const std::string& text) {
    return refusal(ExitCode::data, [&] { columns_of(left + "\"all.csv\"]\n" + text); });
  };
  EXPECT_CONTAINS(refused_data("columns = [\"othre\"]\n"), "data.columns: no column of any view fits 'othre'; did you");
  EXPECT_CONTAINS(refused_data("leave_out = [\"q*\"]\n"), "data.leave_out: no column of any view fits 'q*'");
  EXPECT_CONTAINS(refused_data("columns = [\"t1_*\"]\n"), "data.columns and data.leave_out leave no column of numbers");
  const Config id_alone = load("[data]\nviews = [{file = \"all.csv\", columns = \"id\"}, \"all.csv\"]\n");
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { prepare_data(id_alone); }),
                  "of the columns that fit the pattern 'id' none is a feature");
  const Config nothing = load("[data]\nviews = [{file = \"all.csv\", columns = \"t9_*\"}, \"all.csv\"]\n");
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { prepare_data(nothing); }),
                  "all.csv:1:1: no column of numbers fits the pattern 't9_*'");
}

TEST_F(TablesInConfig, MayBePipesWhichAreReadOnce) {
  std::string table = "id,x,label\n";
  for (int i = 0; i < 20; ++i) table += fmt::format("p{},{},{}\n", 10 + i, i * i, i % 2);
  folder_.write("file.csv", table);
  const std::string pipe = folder_.path() / "pipe.csv";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << table; });
  const PreparedData prepared = prepare_data(load("[data]\nviews = [\"pipe.csv\", \"file.csv\"]\n"));
  writer.join();
  EXPECT_EQ(prepared.data.rows, 20);
  EXPECT_EQ(prepared.files[0].sha256, prepared.files[1].sha256) << "the same bytes";
  const auto told = std::count_if(prepared.notices.begin(), prepared.notices.end(), [](const std::string& notice) {
    return notice.find("pipe.csv: is a pipe, which can be read once") != notice.npos;
  });
  EXPECT_EQ(told, 1);
}

TEST_F(TablesInConfig, MayNameTheLossesToTrain) {
  const Config config = load(kShared + "[model]\nlosses = [\"classification\", \"reconstruction\"]\n");
  EXPECT_EQ(model_of<MldrlSystem>(config).losses, (std::vector<std::string>{"classification", "reconstruction"}));
  EXPECT_EQ(config.balance[0].initial_weights, (std::vector<double>{0.3, 1.4})) << "the published ones, in their order";
  EXPECT_EQ(load(to_toml(config)), config);
  EXPECT_CONTAINS(refused(kShared + "[model]\nlosses = []\n"), "must have an element or more");
  EXPECT_CONTAINS(refused(kShared + "[model]\nlosses = [\"classification\", \"classification\"]\n"), "names one twice");
  EXPECT_CONTAINS(refused(kShared + "[model]\nlosses = [\"clasification\"]\n"), "did you mean 'classification'?");
  EXPECT_CONTAINS(refused(kShared + "[model]\nlosses = [\"reconstruction\"]\n[balance]\ninitial_weights = [1, 2]\n"),
                  "has 2 numbers, but there is 1 task");
}

}  // namespace
}  // namespace equipoise
