// tests/host/data/split_table_test.cpp - repeats and folds of a table are chosen, and never dropped in silence.
#include "host/data/split_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;
using Rows = std::vector<int>;

class SplitTable : public ::testing::Test {
 protected:
  /// Twenty patients p0 .. p19 of two classes in turn; three repeats of five folds, of which repeat r gives the patient
  /// i the fold (i + r) / 4 % 5 + 1.
  SplitTable() {
    text_ = "id,repeat,fold\n";
    for (int i = 0; i < 20; ++i) {
      ids_.push_back("p" + std::to_string(i));
      strata_.of_row.push_back(i % 2);
    }
    for (int r = 1; r <= 3; ++r)
      for (int i = 0; i < 20; ++i)
        text_ +=
            ids_[static_cast<size_t>(i)] + "," + std::to_string(r) + "," + std::to_string((i + r) / 4 % 5 + 1) + "\n";
  }
  Split read(const std::string& text, const SplitChoice& choice) {
    notices_.clear();
    return read_split_table(parse_table(text, folder_.path() / "s.csv"), ids_, strata_, groups_, choice, notices_);
  }
  std::string refused(const std::string& text, const SplitChoice& choice) {
    return refusal(ExitCode::data, [&] { read(text, choice); });
  }

  testing::TemporaryFolder folder_;
  std::vector<std::string> ids_, groups_, notices_;
  Strata strata_{{}, {"no", "yes"}, "died"};
  std::string text_;
};

TEST_F(SplitTable, GivesTheFoldToTheTestAndAShareOfTheOthersToTheValidation) {
  const Split split = read(text_, {2, "3", 0.25, 1});
  EXPECT_EQ(split.test, (Rows{6, 7, 8, 9})) << "(i + 2) / 4 = 2";
  EXPECT_EQ(split.validation.size(), 4u) << "a quarter of 16 rows";
  EXPECT_EQ(split.train.size(), 12u);
  std::set<int> all(split.train.begin(), split.train.end());
  all.insert(split.validation.begin(), split.validation.end());
  all.insert(split.test.begin(), split.test.end());
  EXPECT_EQ(all.size(), 20u);
  EXPECT_EQ(std::count_if(split.validation.begin(), split.validation.end(), [](int row) { return row % 2 == 0; }), 2)
      << "stratified";
  ASSERT_EQ(notices_.size(), 1u);
  EXPECT_CONTAINS(notices_[0],
                  "s.csv: of the folds 1, 2, 3, 4, 5 3 tests with 4 rows; of the others' 16 rows 4 validate");
  EXPECT_EQ(read(text_, {1, "3", 0.25, 1}).test, (Rows{7, 8, 9, 10}));
  EXPECT_EQ(read(text_, {1, "3.0", 0, 1}).train.size(), 16u) << "no share validates";
  EXPECT_NE(read(text_, {2, "3", 0.25, 2}).validation, split.validation) << "by the seed";
}

TEST_F(SplitTable, MayNamePatientsThatAreLeftOut) {
  ids_.pop_back();  // p19, which repeat 1 has in its first fold: (19 + 1) / 4 % 5
  strata_.of_row.pop_back();
  EXPECT_CONTAINS(refused(text_, {1, "1", 0.25, 1}), "the patient 'p19' is not in the data");
  EXPECT_EQ(read(text_, {1, "1", 0.25, 1, {"p19"}}).test, (Rows{0, 1, 2}));
  const std::string named = "id,fold\np19,test\n";
  ids_ = {"a"};
  EXPECT_EQ(read(named + "a,train\n", {{}, {}, 0, 1, {"p19"}}).train, Rows{0});
}

TEST_F(SplitTable, TestsEveryPatientOnceOverTheFolds) {
  Rows tested;
  for (const char* fold : {"1", "2", "3", "4", "5"}) {
    const Rows test = read(text_, {3, fold, 0.2, 1}).test;
    tested.insert(tested.end(), test.begin(), test.end());
  }
  std::sort(tested.begin(), tested.end());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(tested[static_cast<size_t>(i)], i);
}

TEST_F(SplitTable, AsksForARepeatAndAFoldNamingThoseThereAre) {
  EXPECT_CONTAINS(refused(text_, {{}, "3", 0.2, 1}),
                  "s.csv: the table holds 3 repeats (1, 2, 3); choose one by data.repeat");
  EXPECT_CONTAINS(refused(text_, {4, "3", 0.2, 1}),
                  "s.csv: there is no repeat 4; choose one of 1, 2, 3 by data.repeat");
  EXPECT_CONTAINS(refused(text_, {1, {}, 0.2, 1}),
                  "s.csv: the folds are 1, 2, 3, 4, 5, not train, validation and test; choose the fold that tests by "
                  "data.fold");
  EXPECT_CONTAINS(refused(text_, {1, "6", 0.2, 1}), "s.csv: there is no fold '6'; choose one of 1, 2, 3, 4, 5");
}

TEST_F(SplitTable, TakesNamedFoldsAndOneRepeatOfAnyNumber) {
  ids_ = {"a", "b", "c", "d"};
  strata_.of_row = {0, 1, 0, 1};
  const std::string caret = "id,fold,repeat\na,Fold1,7\nb,Fold1,7\nc,Fold2,7\nd,Fold2,7\n";
  EXPECT_EQ(read(caret, {{}, "Fold2", 0, 1}).test, (Rows{2, 3}));
  EXPECT_EQ(read(caret, {7, "Fold1", 0, 1}).test, (Rows{0, 1}));
  EXPECT_EQ(read("id,fold\na,0\nb,0\nc,1\nd,1\n", {{}, "0", 0, 1}).test, (Rows{0, 1})) << "counted from 0";
  EXPECT_CONTAINS(refused("id,fold\na,0\nb,0\nc,1\nd,1\n", {2, "0", 0, 1}), "there is no column 'repeat'");
  EXPECT_CONTAINS(refused("id,fold\na,0\nb,0\nc,1\nd,\n", {{}, "0", 0, 1}), "s.csv:5:3: the fold '' is none of");
}

TEST_F(SplitTable, ReadsNamedPartsOfTheRepeatChosen) {
  ids_ = {"a", "b", "c"};
  strata_.of_row = {0, 1, 0};
  const std::string table = "id,repeat,fold\na,1,train\nb,1,validation\nc,1,test\na,2,test\nb,2,train\nc,2,train\n";
  EXPECT_EQ(read(table, {2, {}, 0.2, 1}).test, Rows{0});
  EXPECT_EQ(read(table, {1, {}, 0.2, 1}).test, Rows{2});
  EXPECT_CONTAINS(refused(table, {{}, {}, 0.2, 1}), "2 repeats (1, 2)");
  EXPECT_CONTAINS(refused(table, {1, "train", 0.2, 1}), "which need no data.fold; drop the key");
  EXPECT_CONTAINS(refused("id,fold\na,train\nb,trian\nc,test\n", {}), "s.csv:3:3: the fold 'trian' is none of train");
}

TEST_F(SplitTable, KeepsGroupsWholeAmongTheRestAndRefusesFoldsThatTearThem) {
  for (int i = 0; i < 20; ++i) groups_.push_back("g" + std::to_string((i + 2) / 2));  // pairs within folds of repeat 2
  const Split split = read(text_, {2, "3", 0.25, 1});
  EXPECT_EQ(split.validation.size(), 4u);
  for (const int row : split.validation)
    EXPECT_TRUE(std::binary_search(split.validation.begin(), split.validation.end(), row ^ 1)) << row;
  EXPECT_CONTAINS(refused(text_, {1, "3", 0.25, 1}), "stands in train and in test; keep a group in one part");
}

}  // namespace
}  // namespace equipoise
