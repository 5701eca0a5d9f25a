// tests/host/data/folds_test.cpp - every row tests once, shares of classes are even, and tables of folds are read back.
#include "host/data/folds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/files/atomic_file.h"
#include "host/data/split.h"
#include "host/data/split_table.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;
using testing::TemporaryFolder;
using Rows = std::vector<int>;

/// Rows of classes by their counts, one class after another, and those of no stratum at the end.
Strata strata_of(const Rows& counts, int without = 0) {
  Strata strata{{}, {"no", "yes", "maybe"}, "died"};
  for (size_t k = 0; k < counts.size(); ++k)
    strata.of_row.insert(strata.of_row.end(), static_cast<size_t>(counts[k]), static_cast<int>(k));
  strata.of_row.insert(strata.of_row.end(), static_cast<size_t>(without), -1);
  return strata;
}

/// Rows of each fold in each stratum: {stratum: [folds]}, and of all strata together under -2.
std::map<int, Rows> counts_of(const Rows& fold_of, const Strata& strata, int folds) {
  std::map<int, Rows> counts;
  for (size_t row = 0; row < fold_of.size(); ++row) {
    if (fold_of[row] < 0) continue;
    for (const int k : {strata.of_row[row], -2}) {
      counts[k].resize(static_cast<size_t>(folds));
      ++counts[k][static_cast<size_t>(fold_of[row])];
    }
  }
  return counts;
}

int spread(const Rows& counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  return *most - *least;
}

TEST(Folds, DealEachClassOnFromWhereTheLastOneEnded) {
  // 7 rows of "no" end in the second of five folds, 8 of "yes" go on in the third: 7 = 2+2+1+1+1, 8 = 1+1+2+2+2.
  const Strata strata = strata_of({7, 8}, 3);
  const Rows folds = stratified_folds(strata, 5, 1, 1);
  const auto counts = counts_of(folds, strata, 5);
  EXPECT_EQ(counts.at(0), (Rows{2, 2, 1, 1, 1}));
  EXPECT_EQ(counts.at(1), (Rows{1, 1, 2, 2, 2}));
  EXPECT_EQ(counts.at(-2), (Rows{3, 3, 3, 3, 3}));
  for (size_t row = 15; row < 18; ++row) EXPECT_EQ(folds[row], kTrainsInAll);
}

TEST(Folds, HaveSharesOfEveryClassAndSizesThatDifferByOneRowAtMost) {
  for (int folds = 2; folds <= 11; ++folds)
    for (const Rows& classes : {Rows{153, 78}, Rows{11, 29, 60}, Rows{12, 11, 11}}) {
      const Strata strata = strata_of(classes, 4);
      for (const auto& [k, counts] : counts_of(stratified_folds(strata, folds, 3, 2), strata, folds))
        EXPECT_LE(spread(counts), 1) << k << " of " << folds;
    }
}

TEST(Folds, DealTheRestLastSoThatSizesAreEven) {
  Strata strata = strata_of({6, 5, 2});
  strata.rest = 2;  // two rows without a class, fewer than the folds
  const auto counts = counts_of(stratified_folds(strata, 4, 1, 1), strata, 4);
  EXPECT_EQ(counts.at(-2), (Rows{4, 3, 3, 3}));
  EXPECT_EQ(counts.at(2), (Rows{1, 0, 0, 1})) << "11 rows end in the third fold";
}

TEST(Folds, TakeTheRowsOfAClassInTheOrderOfTheirDraws) {
  // Philox 4x32-10 of key (5, 0) and counter (row, repeat 2, 0, purpose 5): words 1 and 0 of rows 0 to 5, by
  // the paper's ten rounds in Python.
  const Rows folds = stratified_folds(strata_of({6}), 3, 5, 2);
  EXPECT_EQ(folds, (Rows{2, 2, 0, 1, 0, 1}));
}

TEST(Folds, OfRepeatsAndSeedsAreIndependent) {
  const Strata strata = strata_of({300, 300});
  std::vector<Rows> all;
  for (uint64_t seed = 1; seed <= 3; ++seed)
    for (int repeat = 1; repeat <= 3; ++repeat) all.push_back(stratified_folds(strata, 5, seed, repeat));
  for (size_t a = 0; a < all.size(); ++a)
    for (size_t b = 0; b < a; ++b) {
      int same = 0;  // of 600 rows a fifth: 120, deviation 9.8
      for (size_t row = 0; row < 600; ++row) same += all[a][row] == all[b][row];
      EXPECT_NEAR(same, 120, 49) << a << " and " << b;
    }
  EXPECT_EQ(stratified_folds(strata, 5, 2, 3), all[5]) << "of seed and repeat alone";
}

TEST(Folds, AreRefusedWhereAClassHasFewerRowsOrNothingIsDealt) {
  const auto refused = [](const Strata& strata, int folds) {
    return refusal(ExitCode::data, [&] { stratified_folds(strata, folds, 1, 1); });
  };
  EXPECT_EQ(refused(strata_of({40, 3, 4}), 5),
            "the class 'yes' of 'died' has 3 rows, the class 'maybe' has 4 rows for 5 folds; all classes: no (40), yes "
            "(3), maybe (4); join each with another class, or ask for at most 3 folds");
  Strata misspelt = strata_of({40, 30, 1});
  misspelt.names = {"no", "yes", "yse"};
  EXPECT_EQ(refused(misspelt, 2),
            "the class 'yse' of 'died' has 1 row for 2 folds; all classes: no (40), yes (30), yse (1); is 'yse' meant "
            "for 'yes'? else join it with another class");
  EXPECT_EQ(refused(strata_of({40, 30}), 1), "1 fold cannot test in turn; ask for 2 folds or more");
  EXPECT_EQ(refused(strata_of({}, 7), 2), "0 labelled rows cannot fill 2 folds; ask for fewer folds");
  Strata rest = strata_of({0, 4});
  rest.rest = 1;
  EXPECT_EQ(refused(rest, 5), "4 labelled rows cannot fill 5 folds; ask for fewer folds");
  EXPECT_EQ(stratified_folds(strata_of({5}), 5, 1, 1).size(), 5u) << "a row a fold";
}

/// Groups of given sizes, each of one class.
struct Grouped {
  Strata strata{{}, {"no", "yes"}, "died"};
  std::vector<std::string> groups, notices;

  void add(int rows, int stratum) {
    ++count_;
    for (int i = 0; i < rows; ++i) {
      strata.of_row.push_back(stratum);
      groups.push_back("g" + std::to_string(count_));
    }
  }
  Rows folds(int folds, uint64_t seed = 1, int repeat = 1) {
    notices.clear();
    return grouped_folds(strata, groups, folds, seed, repeat, notices);
  }
  std::string refused(int folds) {
    return refusal(ExitCode::data, [&] { this->folds(folds); });
  }

 private:
  int count_ = 0;
};

TEST(Folds, KeepGroupsWholeAndComeWithinAGroupOfEqualShares) {
  Grouped data;
  for (int g = 0; g < 60; ++g) data.add(1 + g % 4, g % 5 < 2);  // 150 rows
  for (int repeat = 1; repeat <= 10; ++repeat) {
    const Rows folds = data.folds(5, 7, repeat);
    std::map<std::string, std::set<int>> of_group;
    for (size_t row = 0; row < 150; ++row) of_group[data.groups[row]].insert(folds[row]);
    for (const auto& [group, in] : of_group) EXPECT_EQ(in.size(), 1u) << group;
    const auto counts = counts_of(folds, data.strata, 5);
    for (const int rows : counts.at(-2)) EXPECT_NEAR(rows, 30, 2) << repeat;
    EXPECT_LE(spread(counts.at(1)), 4) << repeat;
  }
  EXPECT_EQ(data.folds(5, 7, 3), data.folds(5, 7, 3));
  EXPECT_NE(data.folds(5, 7, 3), data.folds(5, 8, 2)) << "seed + repeat is not what counts";
}

TEST(Folds, TellWhatGroupsGaveToEach) {
  Grouped data;
  for (int g = 0; g < 6; ++g) data.add(2, g % 2);
  data.folds(3, 1, 4);
  ASSERT_EQ(data.notices.size(), 3u);
  EXPECT_EQ(data.notices[1], "groups: repeat 4, fold 2 has 2 of them with 4 labelled rows, 4 asked: no (2), yes (2)");
}

TEST(Folds, SendUnlabelledRowsWithTheirGroupAndThoseWithoutLabelledOnesIntoAllTrainings) {
  Grouped data;
  for (int g = 0; g < 8; ++g) data.add(2, g % 2);
  data.strata.of_row[0] = -1;  // beside a labelled row of its group
  data.add(2, -1);             // rows 16 and 17
  data.groups[17].clear();
  const Rows folds = data.folds(4);
  EXPECT_EQ(folds[0], folds[1]);
  EXPECT_GE(folds[0], 0);
  EXPECT_EQ(folds[16], kTrainsInAll);
  EXPECT_EQ(folds[17], kTrainsInAll);
}

TEST(Folds, OfGroupsAreRefusedWhereTheyAreFewOrAClassCouldNotTrain) {
  Grouped few;
  for (int g = 0; g < 3; ++g) few.add(4, g % 2);
  EXPECT_EQ(
      few.refused(4),
      "data.group: 3 groups with a labelled row cannot fill 4 folds; ask for fewer folds, or name another column");
  EXPECT_CONTAINS(few.refused(3),
                  "data.group: the class 'yes' lies in so few groups that it has rows in one fold alone");
  EXPECT_EQ(few.refused(1), "1 fold cannot test in turn; ask for 2 folds or more");
  few.strata.of_row[11] = 1;  // a second group has the class
  EXPECT_EQ(few.folds(3).size(), 12u);
}

const std::vector<std::string> kIds{"a", "b,c", "d", "e", "f"};

TEST(FoldTables, AreWrittenAndReadBackWithRowsThatAlwaysTrain) {
  TemporaryFolder folder;
  const auto path = folder.path() / "folds.csv";
  write_folds_csv(path, {{0, 1, 0, kTrainsInAll, 1}, {1, 1, 0, kTrainsInAll, 0}}, kIds);
  const Table table = read_table(path);
  EXPECT_EQ(
      read_text(path, 1000),
      "id,repeat,fold\na,1,1\n\"b,c\",1,2\nd,1,1\ne,1,train\nf,1,2\na,2,2\n\"b,c\",2,2\nd,2,1\ne,2,train\nf,2,1\n");
  const FoldTable listed = folds_of_table(table);
  EXPECT_EQ(listed.repeats, (Rows{1, 2}));
  EXPECT_EQ(listed.folds, (std::vector<std::string>{"1", "2"}));
  std::vector<std::string> notices;
  const Strata strata = strata_of({5});
  const Split split = read_split_table(table, kIds, strata, {}, {2, "1", 0.4, 1}, notices);
  EXPECT_EQ(split.test, (Rows{2, 4}));
  EXPECT_EQ(split.validation.size(), 1u) << "0.4 of the two rows that may";
  EXPECT_TRUE(std::binary_search(split.train.begin(), split.train.end(), 3));
  EXPECT_EQ(split.train.size(), 2u);
  EXPECT_EQ(notices.back(), table.file +
                                ": of the folds 1, 2 1 tests with 2 rows; of the others' 2 rows 1 validate; 1 "
                                "rows always train");
}

TEST(FoldTables, KeepRowsThatAlwaysTrainFromValidationAndFromTheTest) {
  TemporaryFolder folder;
  std::string text = "id,fold\n";
  std::vector<std::string> ids, notices;
  for (int i = 0; i < 40; ++i) {
    ids.push_back("p" + std::to_string(i));
    text += ids.back() + "," + (i % 4 == 0 ? "train" : i % 4 == 1 ? "A" : i % 4 == 2 ? "B" : "C") + "\n";
  }
  const Table table = parse_table(text, folder.path() / "s.csv");
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Split split = read_split_table(table, ids, strata_of({40}), {}, {{}, "B", 0.5, seed}, notices);
    EXPECT_EQ(split.test.size(), 10u);
    EXPECT_EQ(split.validation.size(), 10u) << "half of the twenty in A and C";
    for (const auto* part : {&split.test, &split.validation})
      for (const int row : *part) EXPECT_NE(row % 4, 0) << row;
  }
  const auto refused = [&](const SplitChoice& choice, const std::vector<std::string>& groups = {}) {
    return refusal(ExitCode::data, [&] { read_split_table(table, ids, strata_of({40}), groups, choice, notices); });
  };
  EXPECT_CONTAINS(refused({{}, "train", 0.2, 1}),
                  "s.csv: there is no fold 'train'; choose one of A, B, C by data.fold");
  EXPECT_CONTAINS(refused({{}, {}, 0.2, 1}), "the folds are A, B, C, train, not train, validation and test");
  std::vector<std::string> pairs;  // 0 and 1 are one group, and so on: of which one always trains and A tests in turn
  for (int i = 0; i < 40; ++i) pairs.push_back("g" + std::to_string(i / 2));
  EXPECT_CONTAINS(refused({{}, "B", 0.2, 1}, pairs), "stands in train and in test");
}

TEST(FoldTables, ListWhatTheyHold) {
  TemporaryFolder folder;
  const auto listed = [&](const std::string& text) {
    return folds_of_table(parse_table(text, folder.path() / "s.csv"));
  };
  const FoldTable named = listed("id,fold\na,Fold10\nb,Fold2\nc,train\n");
  EXPECT_EQ(named.repeats, Rows{1});
  EXPECT_EQ(named.folds, (std::vector<std::string>{"Fold10", "Fold2"}));
  const FoldTable numbers = listed("id,repeat,fold\na,7,10\nb,7,2.0\na,3,2\nb,3,10\n");
  EXPECT_EQ(numbers.repeats, (Rows{3, 7}));
  EXPECT_EQ(numbers.folds, (std::vector<std::string>{"2", "10"}));
}

TEST(FoldTables, AreRefusedByTheirCells) {
  TemporaryFolder folder;
  const auto refused = [&](const std::string& text) {
    return refusal(ExitCode::data, [&] { folds_of_table(parse_table(text, folder.path() / "s.csv")); });
  };
  EXPECT_CONTAINS(refused("id,part\na,1\n"), "s.csv:1:1: there is no column 'fold'");
  EXPECT_CONTAINS(refused("name,fold\na,1\n"), "s.csv:1:1: there is no column 'id'");
  EXPECT_CONTAINS(refused("id,fold\na,1\nb,\n"), "s.csv:3:3: there is no fold; name one, or 'train'");
  EXPECT_CONTAINS(refused("id,fold\na,train\nb,test\n"), "s.csv:3:3: the fold 'test' is a part of one split");
  EXPECT_CONTAINS(refused("id,repeat,fold\na,one,1\nb,1.5,2\n"),
                  "s.csv:2:3: the repeat 'one' is not a whole number; number the repeats from 1\n");
  EXPECT_CONTAINS(refused("id,fold\na,1\nb,train\n"), "the table names 1 fold that can test");
  EXPECT_CONTAINS(refused("id,fold\na,train\nb,train\n"), "the table names no folds that can test");
  EXPECT_CONTAINS(refused("id,repeat,fold\na,1,1\nb,1,2\nc,1,3\na,2,1\nb,2,1\nc,2,1\n"),
                  "s.csv: repeat 2 has no row in the fold 2, 3, which another has");
  EXPECT_CONTAINS(refused("id,repeat,fold\na,1,1\nb,1,2\na,2,train\nb,2,train\n"),
                  "repeat 2 has no row in the fold 1, 2");
}

TEST(InnerFolds, AreOneOfSeveral) {
  EXPECT_EQ(inner_fold_of("2/5"), (InnerFold{2, 5}));
  EXPECT_EQ(inner_fold_of("1/2"), (InnerFold{1, 2}));
  EXPECT_EQ(inner_fold_of("100/100"), (InnerFold{100, 100}));
  for (const char* none : {"0/5", "6/5", "2", "1/1", "1/101", "2/5 ", " 2/5", "+2/5", "2/", "/5", "", "/", "2/5/5",
                           "-1/5", "02/5", "2/05", "99999999999/99999999999", "1/4294967298"})
    EXPECT_EQ(inner_fold_of(none), std::nullopt) << none;
}

/// 24 patients of two classes, three folds in turn and two rows that always train.
class InnerFoldsOfATable : public ::testing::Test {
 protected:
  InnerFoldsOfATable() {
    text_ = "id,fold\n";
    for (int i = 0; i < 26; ++i) {
      ids_.push_back("p" + std::to_string(i));
      strata_.of_row.push_back(i / 3 % 2);
      text_ += ids_.back() + "," + (i < 24 ? std::to_string(i % 3 + 1) : "train") + "\n";
    }
  }
  Split read(InnerFold inner, uint64_t seed = 1) {
    notices_.clear();
    return read_split_table(parse_table(text_, folder_.path() / "s.csv"), ids_, strata_, groups_,
                            {{}, "2", 0.9, seed, {}, inner}, notices_);
  }

  TemporaryFolder folder_;
  std::string text_;
  std::vector<std::string> ids_, groups_, notices_;
  Strata strata_{{}, {"no", "yes"}, "died"};
};

TEST_F(InnerFoldsOfATable, ValidateEachRowOutsideTheTestFoldOnceInPlaceOfTheShare) {
  Rows validated;
  for (int number = 1; number <= 4; ++number) {
    const Split split = read({number, 4});
    EXPECT_EQ(split.test, (Rows{1, 4, 7, 10, 13, 16, 19, 22}));
    EXPECT_EQ(split.validation.size(), 4u) << "of 16 rows a quarter";
    EXPECT_EQ(split.train.size(), 14u) << "the other twelve and the two that always train";
    EXPECT_EQ(std::count_if(split.validation.begin(), split.validation.end(), [](int row) { return row / 3 % 2; }), 2)
        << "stratified";
    EXPECT_TRUE(std::is_sorted(split.train.begin(), split.train.end()));
    validated.insert(validated.end(), split.validation.begin(), split.validation.end());
  }
  std::sort(validated.begin(), validated.end());
  EXPECT_EQ(validated, (Rows{0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 23}));
  EXPECT_NE(read({1, 4}, 2).validation, read({1, 4}, 1).validation) << "by the seed";
}

TEST_F(InnerFoldsOfATable, KeepGroupsWhole) {
  for (int i = 0; i < 26; ++i) groups_.push_back("g" + std::to_string(i % 3) + "_" + std::to_string(i / 6));
  groups_[24] = groups_[25] = "";
  for (int number = 1; number <= 4; ++number) {
    const Split split = read({number, 4});  // groups of two rows, one of each class
    ASSERT_EQ(split.validation.size(), 4u);
    std::set<std::string> groups;
    for (const int row : split.validation) groups.insert(groups_[static_cast<size_t>(row)]);
    EXPECT_EQ(groups.size(), 2u);
  }
}

TEST_F(InnerFoldsOfATable, AreRefusedWhereRowsAreTooFew) {
  EXPECT_EQ(
      refusal(ExitCode::data,
              [&] {
                read({1, 9});
              }),
      "data.inner_fold: the class 'no' of 'died' has 8 rows, the class 'yes' has 8 rows for 9 folds; all classes: "
      "no (8), yes (8); join each with another class, or ask for at most 8 folds");
}

}  // namespace
}  // namespace equipoise
