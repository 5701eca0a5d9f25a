// tests/host/commands/init_from_test.cpp - configs that init chooses for tables: they say why, load, and train.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "host/config/config.h"
#include "host/config/tables_config.h"
#include "tests/host/commands/run_program.h"
#include "tests/host/commands/small_tables.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

namespace fs = std::filesystem;
using testing::Finished;
using testing::refusal;

const fs::path kBundled = EQUIPOISE_SOURCE_DIR "/tools/demo-data";

class InitFrom : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("EQUIPOISE_SET"); }

  Config chosen(const std::string& preset, const std::vector<fs::path>& tables) {
    text_ = config_for_tables(preset, tables);
    return load_config(folder_.write("c.toml", text_));
  }
  Finished run(const std::vector<std::string>& words) const {
    return testing::run_program(EQUIPOISE_PROGRAM, folder_.path(), words);
  }
  fs::path table(const std::string& name, const std::string& text) const { return folder_.write(name, text); }
  /// A table of ids P100, P101, ... and what `cells` makes of a row's number.
  template <class Cells>
  fs::path made(const std::string& name, const std::string& head, int rows, Cells cells) const {
    std::string text = head + "\n";
    for (int row = 0; row < rows; ++row) text += "P" + std::to_string(100 + row) + "," + cells(row) + "\n";
    return folder_.write(name, text);
  }
  static std::string wave(int row, int columns) {
    std::string text;
    for (int c = 0; c < columns; ++c) text += (c ? "," : "") + std::to_string(std::sin(row * (1.3 + c) + c * c));
    return text;
  }

  testing::TemporaryFolder folder_;
  std::string text_;
};

TEST_F(InitFrom, TellsTheOutcomeFromTheViewsInAnyOrder) {
  const fs::path pbc = kBundled / "pbcseq";
  const Config config = chosen("mldrl", {pbc / "outcome.csv", pbc / "before.csv", pbc / "after.csv"});
  EXPECT_EQ(config.data.views, (std::vector<ViewSource>{pbc / "before.csv", pbc / "after.csv"}));
  EXPECT_EQ(config.data.outcome, pbc / "outcome.csv");
  EXPECT_EQ(config.data.label, "label");
  EXPECT_TRUE(config.select.methods.empty()) << "twelve columns";
  EXPECT_TRUE(config.train.class_weights.all.balanced) << "78 of 231";
  EXPECT_EQ(config.optimizer.lr, 1e-3);
  EXPECT_EQ(config.data.validation, 0.25) << "25 of 78 would be more than a quarter";
  EXPECT_CONTAINS(text_, "# the rarest of 2 classes has 78 of 231 rows");
}

TEST_F(InitFrom, GivesEveryValueAReason) {
  chosen("mldrl", {kBundled / "breast_cancer/mean.csv", kBundled / "breast_cancer/outcome.csv"});
  std::istringstream lines(text_);
  std::string before;
  int values = 0;
  for (std::string line; std::getline(lines, line); before = line) {
    if (line.find(" = ") == line.npos || line.starts_with("#")) continue;
    ++values;
    EXPECT_TRUE(line.find(" # ") != line.npos || before.starts_with("# ")) << line;
  }
  EXPECT_GT(values, 10);
}

TEST_F(InitFrom, TrainsAsPrintedWhateverTheSystem) {
  testing::write_small_tables(folder_.path());
  for (const std::string& preset : preset_names()) {
    const Finished printed = run({"init", preset, "--from", "features.csv", "outcome.csv"});
    ASSERT_EQ(printed.code, 0) << printed.log;
    folder_.write("chosen.toml", printed.out);
    const Finished trained = run({"train", "chosen.toml", "--out", "run-" + preset, "--device", "cpu"});
    EXPECT_EQ(trained.code, 0) << preset << trained.log << printed.out;
    EXPECT_CONTAINS(trained.out, "hash: ");
  }
}

TEST_F(InitFrom, FindsATaskInEveryColumnThatCanBeLearned) {
  const fs::path features = made("x.csv", "pid,a,b", 60, [](int row) { return wave(row, 2); });
  const fs::path learned = made("outcomes.csv", "pid,stay,visits,died,stage,note,same", 60, [](int row) {
    const std::string r = std::to_string(row);
    return std::to_string(row * 1.25) + "," + std::to_string(row % 13) + "," + (row % 2 ? "yes" : "no") + "," +
           std::string(row % 3, 'I') + "I,text" + r + ",7";
  });
  const Config config = chosen("towers", {features, learned});
  EXPECT_EQ(config.data.tasks,
            (std::vector<std::string>{"regression:stay", "count:visits", "binary:died", "multiclass:stage"}));
  EXPECT_EQ(config.data.id, "pid") << "in both tables, and different in every row";
  EXPECT_EQ(config.train.monitor, "loss");
  EXPECT_CONTAINS(text_, "Passed over: note, same");
}

TEST_F(InitFrom, WeighsTheClassesOfTasksWhereOneIsRareInAnyOfThem) {
  const fs::path features = made("x.csv", "id,a,b", 60, [](int row) { return wave(row, 2); });
  const auto config_with = [&](int every) {
    return chosen("towers", {features, made("outcomes.csv", "id,moved,died", 60, [&](int row) {
                               return std::string(row % 2 ? "yes" : "no") + "," + (row % every ? "no" : "yes");
                             })});
  };
  EXPECT_TRUE(config_with(5).train.class_weights.all.balanced);
  EXPECT_CONTAINS(text_,
                  "class_weights = \"balanced\"               # died: the rarest of 2 classes has 12 of 60 rows");
  EXPECT_EQ(config_with(2).train.class_weights, ClassWeights{});
  EXPECT_EQ(text_.find("class_weights"), text_.npos);
}

TEST_F(InitFrom, ReadsTheLabelFromTheFeaturesWhereNoTableIsTheOutcome) {
  const auto cells = [](int row) { return wave(row, 3) + "," + (row % 2 ? "case" : "control"); };
  const fs::path one = made("t0.csv", "ID,a,b,c,Class", 80, cells), two = made("t1.csv", "ID,a,b,c,Class", 80, cells);
  const Config config = chosen("mldrl", {one, two});
  EXPECT_EQ(config.data.views.size(), 2u);
  EXPECT_FALSE(config.data.outcome);
  EXPECT_EQ(config.data.label, "Class");
  EXPECT_EQ(config.data.id, "ID");
}

TEST_F(InitFrom, TakesAColumnOfClassesWhereNoneHasAUsualName) {
  const fs::path features = made("x.csv", "id,a,b,c", 80, [](int row) { return wave(row, 3); });
  const fs::path learned = made("y.csv", "id,relapse", 80, [](int row) { return row % 4 == 0 ? "1" : "0"; });
  const Config config = chosen("mldrl", {features, learned});
  EXPECT_EQ(config.data.label, "relapse");
  EXPECT_EQ(config.data.outcome, learned);
  EXPECT_EQ(config.data.test, 0.25);
}

TEST_F(InitFrom, HoldsNoRowsOutWhereAClassHasTooFew) {
  const fs::path features = made("x.csv", "id,a,b,c", 80, [](int row) { return wave(row, 3); });
  const auto config_with = [&](int rare) {
    return chosen("mldrl", {features, made("y.csv", "id,label", 80, [&](int row) { return row < rare ? "1" : "0"; })});
  };
  EXPECT_EQ(config_with(12).data.test, 0.25);
  EXPECT_EQ(config_with(11).data.test, 0);
  EXPECT_EQ(config_with(11).data.validation, 0.25);
  const Config none = config_with(3);
  EXPECT_EQ(none.data.validation, 0);
  EXPECT_EQ(none.train.monitor, "none");
  EXPECT_CONTAINS(text_, "# there are 3 rows of the rarest class: too few to choose an epoch by");
  EXPECT_EQ(run({"train", "c.toml", "--out", "r", "--device", "cpu", "--set", "train.epochs=2"}).code, 0);
}

TEST_F(InitFrom, SelectsColumnsWhereATableHasMoreThanThereAreTrainingRows) {
  const auto config_with = [&](int columns) {
    std::string head = "id";
    for (int c = 0; c < columns; ++c) head += ",x" + std::to_string(c);
    return chosen("mldrl", {made("x.csv", head, 80, [&](int row) { return wave(row, columns); }),
                            made("y.csv", "id,label", 80, [](int row) { return row % 2 ? "1" : "0"; })});
  };
  EXPECT_TRUE(config_with(40).select.methods.empty());  // 80 rows, a quarter each validate and test
  const SelectConfig some = config_with(41).select;
  EXPECT_EQ(some.methods, (std::vector<std::string>{"anova"}));
  EXPECT_EQ(some.keep, 10) << "a fifth of forty rows would be eight";
}

TEST_F(InitFrom, TrainsSmallDataForMoreEpochs) {
  const auto epochs = [&](int rows) {
    const Config config =
        chosen("mldrl", {made("x.csv", "id,a,b", rows, [](int row) { return wave(row, 2); }),
                         made("y.csv", "id,label", rows, [](int row) { return row % 2 ? "1" : "0"; })});
    EXPECT_EQ(config.train.patience, std::max(config.train.epochs / 10, 10));
    return config.train.epochs;
  };
  EXPECT_EQ(epochs(200), 1000);  // 100 train: 4 steps an epoch
  EXPECT_EQ(epochs(2000), 160);  // 1600 train by 64: 25 steps
  EXPECT_EQ(epochs(20000), 32);  // 16000 train by 128: 125 steps
}

TEST_F(InitFrom, RefusesTablesThatDoNotFitTheSystem) {
  testing::write_small_tables(folder_.path());
  const fs::path features = folder_.path() / "features.csv", outcome = folder_.path() / "outcome.csv";
  const auto said = [&](ExitCode code, const std::string& preset, const std::vector<fs::path>& tables) {
    return refusal(code, [&] { config_for_tables(preset, tables); });
  };
  EXPECT_CONTAINS(said(ExitCode::usage, "gan", {features}), "init 'gan': not a system");
  fs::copy(features, folder_.path() / "more.csv");
  EXPECT_CONTAINS(said(ExitCode::usage, "vaegan", {features, folder_.path() / "more.csv", outcome}),
                  "2 of these tables are features, but vaegan takes 1 to 1");
  EXPECT_CONTAINS(said(ExitCode::data, "towers", {features}), "features.csv:1:1: no column can be learned");
  EXPECT_CONTAINS(said(ExitCode::data, "mldrl", {table("a.csv", "x,y\n1,2\n1,3\n"), table("b.csv", "z\n1\n2\n")}),
                  "a.csv:1:1: no column is in all tables and different in every row");
  EXPECT_CONTAINS(said(ExitCode::file_system, "mldrl", {folder_.path() / "nowhere.csv"}), "nowhere.csv");
  EXPECT_EQ(run({"init", "mldrl", "--from"}).code, testing::kUsage);
}

}  // namespace
}  // namespace equipoise
