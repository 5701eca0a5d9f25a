// tests/host/data/targets_test.cpp - columns to predict: read from tables, split by, scaled and stored.
#include "host/data/targets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "host/config/config_schema.h"
#include "host/data/split.h"
#include "host/run/prepared_data.h"
#include "host/run/run_folder.h"
#include "tests/host/temporary_folder.h"

namespace equipoise::test {
namespace {

using testing::refusal;
using testing::TemporaryFolder;

const std::vector<std::string> kIds{"p1", "p2", "p3", "p4", "p5"};

/// Reads targets of a table whose rows are those of kIds.
std::vector<RawTarget> read(const std::string& text, const std::vector<std::string>& tasks) {
  return read_targets(parse_targets(tasks, "data.tasks"), parse_table(text, "o.csv"), kIds, {0, 1, 2, 3, 4});
}
std::string refused(const std::string& text, const std::vector<std::string>& tasks) {
  return refusal(ExitCode::data, [&] { read(text, tasks); });
}

/// Where NaN stands for missing.
std::string text_of(const std::vector<double>& values) {
  std::string text;
  for (const double x : values) text += (std::isnan(x) ? "-" : std::to_string(x).substr(0, 4)) + " ";
  return text;
}

TEST(Targets, ReadSeveralColumnsAsOneRegression) {
  const auto targets = read("a,b\n1,2\n,3\nNA,\n-1,-2.5\n0,1e1\n", {"regression: b , a"});
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_EQ(targets[0].name(), "b");
  EXPECT_EQ(targets[0].columns, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(text_of(targets[0].values), "2.00 1.00 3.00 - - - -2.5 -1.0 10.0 0.00 ");
  EXPECT_TRUE(targets[0].known(1));
  EXPECT_FALSE(targets[0].known(2));
}

TEST(Targets, NumberClassesAsLabelsAreNumbered) {
  const auto targets = read("died,stage\nyes,10\nno,9\n,2\nyes,NULL\nno,10.0\n", {"binary:died", "multiclass:stage"});
  EXPECT_EQ(targets[0].class_names, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(text_of(targets[0].values), "1.00 0.00 - 1.00 0.00 ");
  EXPECT_EQ(targets[1].class_names, (std::vector<std::string>{"2", "9", "10"}));
  EXPECT_EQ(text_of(targets[1].values), "2.00 1.00 0.00 - 2.00 ");
}

TEST(Targets, TakePatientsTheTableLacksAsMissing) {
  const auto targets = read_targets(parse_targets(std::vector<std::string>{"regression:x", "binary:y"}, "t"),
                                    parse_table("x,y\n5,1\n6,0\n", "o.csv"), {"p1", "p2", "p3"}, {1, -1, 0});
  EXPECT_EQ(text_of(targets[0].values), "6.00 - 5.00 ");
  EXPECT_EQ(text_of(targets[1].values), "0.00 - 1.00 ");
}

TEST(Targets, RefuseAColumnTheTableLacksWithTheNearestName) {
  EXPECT_EQ(refused("stay\n1\n2\n3\n4\n5\n", {"regression:stya"}),
            "o.csv:1:1: there is no target column 'stya'; set data.tasks, did you mean 'stay'?");
}

TEST(Targets, RefuseAThirdValueOfABinaryTargetWithItsPlace) {
  EXPECT_EQ(refused("x\n0\n\n?\n1\n0\nmaybe\n", {"binary:x"}),
            "o.csv:7:1: 'maybe' is a third value of the binary target 'x', after '0' and '1'; correct it, make the "
            "task multiclass, or name in data.unlabelled what is no class");
}

TEST(Targets, RefuseTextAmongNumbersAndSingleClasses) {
  EXPECT_CONTAINS(refused("a,x\n1,1\n1,2\n1,two\n1,\n1,1e999\n", {"regression:x"}),
                  "o.csv:4:3: 'two' in the column 'x' is not a number; correct it, or leave the cell empty");
  EXPECT_CONTAINS(refused("a,x\n1,1\n1,2\n1,2\n1,\n1,1e999\n", {"regression:x"}),
                  "o.csv:6:3: '1e999' in the column 'x'");
  EXPECT_CONTAINS(refused("x\n1\n1\n1\n1\nNone\n", {"binary:x"}), "holds only the class '1'");
  EXPECT_CONTAINS(refused("x\n0.5\n1\n1\n1\n0\n", {"binary:x"}), "o.csv:2:1: the label '0.5' is not a whole number");
}

TEST(Targets, RefuseNumbersThatAreNoCountsWithTheirPlaces) {
  const auto targets = read("visits\n0\n3.0\nNA\n1e2\n16777216\n", {"count:visits"});
  EXPECT_EQ(text_of(targets[0].values), "0.00 3.00 - 100. 1677 ");
  EXPECT_EQ(refused("visits\n0\n3\n-1\n2\n1\n", {"count:visits"}),
            "o.csv:4:1: '-1' in the column 'visits' is negative, and counts are not; correct it, or leave the cell "
            "empty if the value is missing");
  EXPECT_CONTAINS(refused("a,visits\n1,0\n1,3\n1,1\n1,2.5\n1,1\n", {"count:visits"}),
                  "o.csv:5:3: '2.5' in the column 'visits' is no whole number");
  EXPECT_CONTAINS(refused("visits\n0\n3\n1\n16777217\n1\n", {"count:visits"}),
                  "o.csv:5:1: '16777217' in the column 'visits' is beyond 16777216");
}

TEST(Targets, StratifyByTheFirstTaskOfClassesOrElseByNone) {
  const std::string table = "x,y,z\n1,a,0\n2,b,1\n,c,0\n3,,1\n4,c,1\n";
  const Strata by_y = strata(read(table, {"regression:x", "multiclass:y", "binary:z"}), 5);
  EXPECT_EQ(by_y.of_row, (std::vector<int>{0, 1, 2, 3, 2})) << "the row without y knows x and z: it is of the rest";
  EXPECT_EQ(by_y.rest, 3);
  EXPECT_EQ(by_y.names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(by_y.column, "y");
  EXPECT_EQ(strata(read(table, {"multiclass:y"}), 5).of_row, (std::vector<int>{0, 1, 2, -1, 2})) << "it knows nothing";
  EXPECT_EQ(strata(read(table, {"regression:x"}), 5).of_row, (std::vector<int>{0, 0, -1, 0, 0}));
  EXPECT_EQ(strata(read(table, {"count:x"}), 5).of_row, (std::vector<int>{0, 0, -1, 0, 0}));
}

class MultiTaskData : public ::testing::Test {
 protected:
  MultiTaskData() {
    std::string features = "id,a,note,b\n", outcome = "id,stay,died,cost,extra\n";
    for (int i = 0; i < 40; ++i) {
      const std::string id = "p" + std::to_string(100 + i);
      features += id + "," + std::to_string(i % 7) + ",text," + std::to_string(i * i) + "\n";
      if (i == 39) continue;
      outcome += id + "," + (i == 5 ? "" : std::to_string(3 + i)) + "," + (i % 4 == 0 ? "yes" : "no") + "," +
                 std::to_string(1000 * (i % 3)) + ",7\n";
    }
    config_.model = default_config("mtl").model;
    config_.data.views = {folder_.write("f.csv", features)};
    config_.data.outcome = folder_.write("o.csv", outcome);
    config_.data.tasks = {"binary:died", "regression:stay,cost"};
  }
  bool told(const PreparedData& data, const std::string& part) {
    return std::any_of(data.notices.begin(), data.notices.end(),
                       [&](const std::string& notice) { return notice.find(part) != notice.npos; });
  }

  TemporaryFolder folder_;
  Config config_;
};

TEST_F(MultiTaskData, FillsTasksAndTargets) {
  const PreparedData p = prepare_data(config_);
  EXPECT_EQ(p.data.features, std::vector<int>{2});
  const std::vector<Target> expected{{"died", &binary(), 0, 1, 0}, {"stay", &regression(), 1, 2, 0}};
  EXPECT_EQ(p.data.tasks, expected);
  ASSERT_EQ(p.data.target_cols, 3);
  ASSERT_EQ(p.data.targets.size(), 120u);
  const FittedTarget& stay = p.preprocess.targets[1];
  for (size_t row = 0; row < 39; ++row) {
    EXPECT_EQ(p.data.targets[3 * row], row % 4 == 0 ? 1.0f : 0.0f);
    if (row == 5) EXPECT_TRUE(std::isnan(p.data.targets[3 * row + 1]));
    // float32 keeps 24 bits of numbers below 50, and scale and mean undo each other to a few of double's 53.
    else EXPECT_NEAR(p.data.targets[3 * row + 1] * stay.scale[0] + stay.mean[0], 3.0 + static_cast<double>(row), 5e-6);
  }
  for (size_t c = 0; c < 3; ++c) EXPECT_TRUE(std::isnan(p.data.targets[3 * 39 + c]));
  EXPECT_TRUE(told(p, "1 of the 40 rows are without any target: kept, but they train nothing")) << p.notices[0];
}

TEST_F(MultiTaskData, ScalesRegressionsByTheirKnownTrainingRows) {
  const PreparedData p = prepare_data(config_);
  double sum = 0, squares = 0, count = 0;
  for (const int row : p.split.train) {
    const double y = p.data.targets[3 * static_cast<size_t>(row) + 1];
    if (std::isnan(y)) continue;
    sum += y;
    squares += y * y;
    ++count;
  }
  EXPECT_NEAR(sum / count, 0, 1e-6);  // each of the float32 values is off by up to 1e-7
  EXPECT_NEAR(squares / count, 1, 1e-6);
}

TEST_F(MultiTaskData, IsStratifiedByTheFirstTaskOfClasses) {
  const PreparedData p = prepare_data(config_);
  const auto died = [&](const std::vector<int>& rows) {
    return std::count_if(rows.begin(), rows.end(),
                         [&](int row) { return p.data.targets[3 * static_cast<size_t>(row)] == 1; });
  };
  EXPECT_EQ(died(p.split.validation), 2);  // of 10
  EXPECT_EQ(died(p.split.test), 2);
  EXPECT_EQ(std::count(p.split.train.begin(), p.split.train.end(), 39), 1) << "a row without target trains";
}

TEST_F(MultiTaskData, ReadsTargetsOfTheFeatureTableAndKeepsThemOutOfTheFeatures) {
  config_.data.outcome.reset();
  config_.data.tasks = {"regression:b"};
  const PreparedData p = prepare_data(config_);
  EXPECT_EQ(p.preprocess.views[0].columns, std::vector<std::string>{"a"});
  EXPECT_EQ(p.data.tasks[0].name, "b");
  EXPECT_EQ(p.files.size(), 1u);
}

TEST_F(MultiTaskData, IsTheSameOnceStoredAndReadBack) {
  const PreparedData fresh = prepare_data(config_);
  folder_.write(run_file::kPreprocess, to_json(fresh.preprocess));
  write_split_csv(folder_.path() / run_file::kSplit, fresh.split, fresh.data.ids);
  const PreparedData again = prepare_data_as(config_, folder_.path());
  EXPECT_EQ(again.preprocess, fresh.preprocess);
  EXPECT_EQ(again.sha256, fresh.sha256);
  config_.data.tasks = {"binary:died", "regression:stay"};
  EXPECT_NE(prepare_data(config_).sha256, fresh.sha256);
  EXPECT_NE(refusal(ExitCode::data, [&] { prepare_data_as(config_, folder_.path()); }), "");
  config_.data.tasks = {"binary:died"};
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { prepare_data_as(config_, folder_.path()); }),
                  "data.tasks names 1 tasks but the model was trained on 2");
}

TEST_F(MultiTaskData, WarnsOfAConstantTargetAndRefusesOneWithoutTrainingValues) {
  config_.data.tasks = {"regression:extra"};
  const PreparedData p = prepare_data(config_);
  EXPECT_EQ(p.preprocess.targets[0].scale, std::vector<double>{1});
  EXPECT_EQ(p.data.targets[0], 0);
  EXPECT_TRUE(told(p, "the target 'extra' is constant in the training rows"));

  RawCohort cohort;
  cohort.ids = {"a", "b"};
  cohort.label = {-1, -1};
  cohort.views = {{"v.csv", {"x"}, {1, 2}}};
  cohort.targets = {{"v.csv", &regression(), {"y"}, {NAN, 3}, {}}};
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { fit_preprocess(cohort, std::vector<int>{0}); }),
                  "v.csv: the target 'y' has no value in any training row");
}

TEST(StoredTargets, RefuseJsonThatIsNotTheirOwn) {
  Preprocess fitted;
  fitted.views = {{{"x"}, {0}, {0}, {1}}};
  fitted.targets = {{&regression(), {"y"}, {2}, {3}, {}}, {&binary(), {"z"}, {}, {}, {"no", "yes"}}};
  const std::string text = to_json(fitted);
  EXPECT_EQ(preprocess_from_json(text, "p.json"), fitted);
  const std::vector<std::pair<std::string, std::string>> faults = {{"\"regression\"", "\"regretion\""},
                                                                   {"\"no\"", "\"yes\""},
                                                                   {"\"binary\"", "\"regression\""},
                                                                   {"\"kind\"", "\"kin\""},
                                                                   {"3.0", "-3.0"}};
  for (const auto& [from, to] : faults) {
    std::string broken = text;
    ASSERT_NE(broken.find(from), broken.npos) << from;
    broken.replace(broken.find(from), from.size(), to);
    EXPECT_CONTAINS(refusal(ExitCode::checkpoint, [&] { preprocess_from_json(broken, "p.json"); }), "p.json: ");
  }
}

}  // namespace
}  // namespace equipoise::test
