// tests/host/data/split_test.cpp - stratification, determinism, and the CSV form.
#include "host/data/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;
using testing::TemporaryFolder;

std::vector<int> labels(int negative, int positive, int unlabelled = 0) {
  std::vector<int> label(static_cast<size_t>(negative), 0);
  label.insert(label.end(), static_cast<size_t>(positive), 1);
  label.insert(label.end(), static_cast<size_t>(unlabelled), -1);
  return label;
}

std::map<int, int> counts(const std::vector<int>& rows, const std::vector<int>& label) {
  std::map<int, int> result;
  for (const int row : rows) ++result[label[static_cast<size_t>(row)]];
  return result;
}

TEST(Split, PutsEveryRowInOnePartRising) {
  const std::vector<int> label = labels(153, 78, 19);
  const Split split = stratified_split(label, 0.2, 0.2, 1);
  std::multiset<int> all;
  for (const auto* part : {&split.train, &split.validation, &split.test}) {
    EXPECT_TRUE(std::is_sorted(part->begin(), part->end()));
    all.insert(part->begin(), part->end());
  }
  ASSERT_EQ(all.size(), 250u);
  int expected = 0;
  for (const int row : all) EXPECT_EQ(row, expected++);
}

TEST(Split, RoundsTheShareOfEachClassAndTrainsTheUnlabelled) {
  const std::vector<int> label = labels(153, 78, 19);
  const Split split = stratified_split(label, 0.2, 0.1, 7);
  EXPECT_EQ(counts(split.validation, label), (std::map<int, int>{{0, 31}, {1, 16}}));  // 30.6, 15.6
  EXPECT_EQ(counts(split.test, label), (std::map<int, int>{{0, 15}, {1, 8}}));         // 15.3, 7.8
  EXPECT_EQ(counts(split.train, label), (std::map<int, int>{{-1, 19}, {0, 107}, {1, 54}}));
}

TEST(Split, GivesEveryPartOneOfARareClass) {
  for (int rare = 3; rare < 8; ++rare) {
    const std::vector<int> label = labels(100, rare);
    const Split split = stratified_split(label, 0.05, 0.05, 3);
    EXPECT_EQ(counts(split.validation, label)[1], 1) << rare;
    EXPECT_EQ(counts(split.test, label)[1], 1) << rare;
    EXPECT_EQ(counts(split.train, label)[1], rare - 2) << rare;
  }
}

TEST(Split, KeepsOneOfEachClassForTrainingWhenTheSharesAreLarge) {
  const std::vector<int> label = labels(3, 4);
  const Split split = stratified_split(label, 0.5, 0.45, 3);
  EXPECT_EQ(counts(split.train, label), (std::map<int, int>{{0, 1}, {1, 1}}));
}

TEST(Split, DependsOnTheSeedAlone) {
  const std::vector<int> label = labels(60, 40);
  const Split once = stratified_split(label, 0.2, 0.2, 5), again = stratified_split(label, 0.2, 0.2, 5);
  EXPECT_EQ(once.validation, again.validation);
  EXPECT_EQ(once.test, again.test);
  EXPECT_NE(once.validation, stratified_split(label, 0.2, 0.2, 6).validation);
  EXPECT_NE(once.validation, stratified_split(label, 0.2, 0.2, 5 + (uint64_t{1} << 32)).validation);
}

TEST(Split, KeepsTheTestRowsWhenTheValidationShareChanges) {
  const std::vector<int> label = labels(60, 40);
  EXPECT_EQ(stratified_split(label, 0.1, 0.2, 5).test, stratified_split(label, 0.3, 0.2, 5).test);
}

TEST(Split, ChoosesEveryRowEquallyOften) {
  const std::vector<int> label = labels(10, 10);
  std::vector<int> chosen(20, 0);
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    for (const int row : stratified_split(label, 0.2, 0, seed).validation) ++chosen[static_cast<size_t>(row)];
  }
  // Binomial with mean 800 and deviation sqrt(4000 * 0.2 * 0.8) = 25.3: five deviations on either side.
  for (size_t row = 0; row < chosen.size(); ++row) EXPECT_NEAR(chosen[row], 800, 127) << row;
}

TEST(Split, LeavesPartsEmptyThatAreNotAskedFor) {
  const Split split = stratified_split(labels(1, 1), 0, 0, 1);
  EXPECT_EQ(split.train, (std::vector<int>{0, 1}));
  EXPECT_TRUE(split.validation.empty() && split.test.empty());
}

TEST(Split, RefusesWhatCannotBeSplit) {
  const auto refused = [](const std::vector<int>& label, double validation, double test) {
    return refusal(ExitCode::data, [&] { stratified_split(label, validation, test, 1); });
  };
  EXPECT_CONTAINS(
      refused(labels(10, 2), 0.2, 0.2),
      "the class '1' has 2 rows for 3 parts (train, validation, test); all classes: 0 (10), 1 (2); join it");
  EXPECT_CONTAINS(refused(labels(10, 1), 0.2, 0),
                  "the class '1' has 1 row for 2 parts (train, validation); all classes: 0 (10), 1 (1)");
  // Of many classes the first are told.
  std::vector<int> label(20'000);
  for (size_t row = 0; row < label.size(); ++row) label[row] = static_cast<int>(row / 2);
  const std::string many = refusal(ExitCode::data, [&] { stratified_split(label, 0.2, 0.2, 1); });
  EXPECT_CONTAINS(many, "the class '4' has 2 rows, ... for 3 parts");
  EXPECT_CONTAINS(many, "all classes: 0 (2), 1 (2), 2 (2), 3 (2), 4 (2), ...; join each");
  EXPECT_CONTAINS(refused(labels(0, 0, 10), 0.2, 0), "no row is labelled");
  EXPECT_CONTAINS(refused(labels(10, 10), 0.5, 0.5), "leave no row to train");
  EXPECT_CONTAINS(refused(labels(10, 10), -0.1, 0), "at least 0 and below 1, not -0.1");
  EXPECT_CONTAINS(refused(labels(10, 10), 0, std::nan("")), "at least 0 and below 1, not nan");
}

TEST(Split, NamesAllShortClassesByTheirOwnTextAndWhatOneIsMeantFor) {
  Strata strata{{}, {"control", "case", "contrl", "other"}, "status"};
  for (const auto& [k, count] : std::vector<std::pair<int, int>>{{0, 12}, {1, 9}, {2, 1}, {3, 2}})
    strata.of_row.insert(strata.of_row.end(), static_cast<size_t>(count), k);
  EXPECT_EQ(refusal(ExitCode::data, [&] { stratified_split(strata, 0.2, 0.2, 1); }),
            "the class 'contrl' of 'status' has 1 row, the class 'other' has 2 rows for 3 parts (train, validation, "
            "test); all classes: control (12), case (9), contrl (1), other (2); is 'contrl' meant for 'control'? else "
            "join each with another class, or set data.validation or data.test to 0");
  EXPECT_EQ(stratified_split(strata, 0, 0, 1).train.size(), 24u) << "one part takes any class";
}

TEST(Split, FillsTheSharesFromTheRestOfRowsWithoutAClass) {
  Strata strata{{}, {"I", "II"}, "stage", 2};
  for (int row = 0; row < 60; ++row) strata.of_row.push_back(row < 5 ? 0 : row < 10 ? 1 : 2);
  const Split split = stratified_split(strata, 0.3, 0.2, 1);
  EXPECT_EQ(split.validation.size(), 18u);  // 60 * 0.3
  EXPECT_EQ(split.test.size(), 12u);        // 60 * 0.2
  EXPECT_EQ(counts(split.test, strata.of_row), (std::map<int, int>{{0, 1}, {1, 1}, {2, 10}}));
  EXPECT_EQ(counts(split.validation, strata.of_row), (std::map<int, int>{{0, 2}, {1, 2}, {2, 14}}));
  strata.of_row.assign(13, 0);
  strata.of_row.insert(strata.of_row.end(), {1, 1, 1, 2});
  EXPECT_EQ(stratified_split(strata, 0.2, 0.2, 1).train.size(), 9u) << "a rest of one row is no class too small";
}

class SplitCsv : public ::testing::Test {
 protected:
  std::string refused(const std::string& text, int repeat = 1) {
    const auto path = folder_.write("s.csv", text);
    return refusal(ExitCode::data, [&] { read_split_csv(path, ids_, repeat); });
  }

  TemporaryFolder folder_;
  std::vector<std::string> ids_ = {"a", "b,\"1\"", "c;d", "e"};
};

TEST_F(SplitCsv, ReadsBackWhatItWrote) {
  const Split split{{0, 3}, {1}, {2}};
  write_split_csv(folder_.path() / "s.csv", split, ids_);
  const Split back = read_split_csv(folder_.path() / "s.csv", ids_);
  EXPECT_EQ(back.train, split.train);
  EXPECT_EQ(back.validation, split.validation);
  EXPECT_EQ(back.test, split.test);
}

TEST_F(SplitCsv, ReadsTheRepeatAskedForInAnyOrderOfRows) {
  ids_ = {"a", "b"};
  const auto path = folder_.write("s.csv", "fold,id,repeat\ntest,b,2\ntrain,b,1\nvalidation,a,1\ntrain,a,2\n");
  EXPECT_EQ(read_split_csv(path, ids_, 1).train, std::vector<int>{1});
  EXPECT_EQ(read_split_csv(path, ids_, 1).validation, std::vector<int>{0});
  EXPECT_EQ(read_split_csv(path, ids_, 2).test, std::vector<int>{1});
}

TEST_F(SplitCsv, ReadsATableWithoutRepeats) {
  ids_ = {"a", "b"};
  EXPECT_EQ(read_split_csv(folder_.write("s.csv", "id,fold\nb,test\na,train\n"), ids_).test, std::vector<int>{1});
}

TEST_F(SplitCsv, PassesOverPatientsThatAreLeftOut) {
  ids_ = {"a", "b"};
  const auto path = folder_.write("s.csv", "id,fold\ngone,test\nb,test\na,train\n");
  EXPECT_EQ(ids_of_split(path), (std::vector<std::string>{"a", "b", "gone"}));
  const Split split = split_of_table(read_table(path), ids_, 1, {"gone"});
  EXPECT_EQ(split.test, std::vector<int>{1});
  EXPECT_EQ(split.train, std::vector<int>{0});
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { split_of_table(read_table(path), ids_, 1, {"lost"}); }),
                  "s.csv:2:1: the patient 'gone' is not in the data");
}

TEST_F(SplitCsv, RefusesWhatDoesNotFitTheData) {
  ids_ = {"anna", "bert"};
  EXPECT_CONTAINS(refused("id,fold\nanna,train\nbert,trian\n"), "s.csv:3:6: the fold 'trian' is none of train");
  EXPECT_CONTAINS(refused("id,fold\nanna,train\nbret,train\n"), "s.csv:3:1: the patient 'bret' is not in the data;");
  EXPECT_CONTAINS(refused("id,fold\nanna,train\nanna,test\n"), "s.csv:3:1: the patient 'anna' is already at ");
  EXPECT_CONTAINS(refused("id,fold\nanna,train\n"), "gives no fold to the patient 'bert'");
  EXPECT_CONTAINS(refused("id,fold\nanna,test\nbert,test\n"), "has no training row");
  EXPECT_CONTAINS(refused("id,part\nanna,test\n"), "s.csv:1:1: there is no column 'fold'");
  EXPECT_CONTAINS(refused("id,repeat,fold\nanna,1,train\nbert,x,train\n"), "s.csv:3:6: the repeat 'x' is not a number");
  EXPECT_CONTAINS(refused("id,repeat,fold\nanna,1,train\nbert,1,train\n", 2), "repeat 2 gives no fold");
}

}  // namespace
}  // namespace equipoise
