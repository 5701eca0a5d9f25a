// tests/host/data/group_split_test.cpp - groups stay whole, shares and classes are kept as well as groups allow.
#include "host/data/group_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;

/// Groups of given sizes and classes, in rows that follow one another.
struct Grouped {
  Strata strata{{}, {"no", "yes"}, "died"};
  std::vector<std::string> groups;

  void add(int rows, int stratum) {
    const std::string name = "g" + std::to_string(++count_);
    for (int i = 0; i < rows; ++i) {
      strata.of_row.push_back(stratum);
      groups.push_back(name);
    }
  }
  Split split(double validation, double test, uint64_t seed = 1) {
    notices.clear();
    return grouped_split(strata, groups, validation, test, seed, notices);
  }
  std::vector<std::string> notices;

 private:
  int count_ = 0;
};

/// Parts that hold rows of each group.
std::map<std::string, std::set<int>> parts_of_groups(const Split& split, const std::vector<std::string>& groups) {
  std::map<std::string, std::set<int>> parts;
  int part = 0;
  for (const auto* rows : {&split.train, &split.validation, &split.test}) {
    for (const int row : *rows) parts[groups[static_cast<size_t>(row)]].insert(part);
    ++part;
  }
  return parts;
}

int rows_of_class(const std::vector<int>& rows, const Strata& strata, int k) {
  return static_cast<int>(
      std::count_if(rows.begin(), rows.end(), [&](int row) { return strata.of_row[static_cast<size_t>(row)] == k; }));
}

TEST(GroupSplit, KeepsGroupsWholeAndEveryRowInOnePart) {
  Grouped data;
  for (int g = 0; g < 40; ++g) data.add(1 + g % 5, g % 3 == 0);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Split split = data.split(0.2, 0.2, seed);
    for (const auto& [group, parts] : parts_of_groups(split, data.groups)) EXPECT_EQ(parts.size(), 1u) << group;
    std::set<int> all;
    for (const auto* part : {&split.train, &split.validation, &split.test}) {
      EXPECT_TRUE(std::is_sorted(part->begin(), part->end()));
      all.insert(part->begin(), part->end());
    }
    EXPECT_EQ(all.size(), 120u);
    EXPECT_EQ(split.train.size() + split.validation.size() + split.test.size(), 120u);
  }
}

TEST(GroupSplit, ComesWithinOneGroupOfTheSharesOfRowsAndClasses) {
  Grouped data;
  for (int g = 0; g < 60; ++g) data.add(1 + g % 4, g % 5 < 2);  // 150 rows
  const int positive = rows_of_class(
      [&] {
        std::vector<int> all;
        for (int row = 0; row < 150; ++row) all.push_back(row);
        return all;
      }(),
      data.strata, 1);
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const Split split = data.split(0.2, 0.3, seed);
    EXPECT_NEAR(static_cast<double>(split.validation.size()), 30, 4) << seed;
    EXPECT_NEAR(static_cast<double>(split.test.size()), 45, 4) << seed;
    EXPECT_NEAR(rows_of_class(split.validation, data.strata, 1), 0.2 * positive, 4) << seed;
    EXPECT_NEAR(rows_of_class(split.test, data.strata, 1), 0.3 * positive, 4) << seed;
  }
}

TEST(GroupSplit, DependsOnTheSeedAlone) {
  Grouped data;
  for (int g = 0; g < 30; ++g) data.add(2, g % 2);
  const Split once = data.split(0.2, 0.2, 5), again = data.split(0.2, 0.2, 5);
  EXPECT_EQ(once.test, again.test);
  EXPECT_EQ(once.validation, again.validation);
  EXPECT_NE(once.test, data.split(0.2, 0.2, 6).test);
}

TEST(GroupSplit, ChoosesLargeAndSmallGroupsForTheTest) {
  Grouped data;
  for (int g = 0; g < 20; ++g) data.add(g < 10 ? 1 : 4, g % 2);
  std::vector<int> chosen(20, 0);
  for (uint64_t seed = 0; seed < 300; ++seed)
    for (const auto& [group, parts] : parts_of_groups(data.split(0, 0.3, seed), data.groups))
      chosen[std::stoul(group.substr(1)) - 1] += parts.contains(2);
  for (size_t g = 0; g < 20; ++g) {  // 0.3 * 300 = 90 if sizes were equal
    EXPECT_GT(chosen[g], 30) << g;
    EXPECT_LT(chosen[g], 170) << g;
  }
}

TEST(GroupSplit, TakesRowsWithoutAGroupAsGroupsOfTheirOwn) {
  Grouped data;
  for (int g = 0; g < 10; ++g) data.add(2, g % 2);
  for (size_t row = 0; row < 10; ++row) data.groups[row].clear();
  bool torn = false;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Split split = data.split(0.2, 0.2, seed);
    const auto in_test = [&](int row) { return std::count(split.test.begin(), split.test.end(), row); };
    for (int row = 0; row < 10; row += 2) torn |= in_test(row) != in_test(row + 1);
    for (int row = 10; row < 20; row += 2) EXPECT_EQ(in_test(row), in_test(row + 1));
  }
  EXPECT_TRUE(torn);
}

TEST(GroupSplit, SendsUnlabelledRowsWithTheirGroupAndGroupsOfThemAloneToTraining) {
  Grouped data;
  for (int g = 0; g < 12; ++g) data.add(2, g % 2);
  data.add(5, -1);
  data.strata.of_row[0] = -1;  // beside a labelled row of its group
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Split split = data.split(0.25, 0.25, seed);
    for (int row = 24; row < 29; ++row)
      EXPECT_TRUE(std::binary_search(split.train.begin(), split.train.end(), row)) << row;
    EXPECT_EQ(parts_of_groups(split, data.groups)["g1"].size(), 1u);
  }
}

TEST(GroupSplit, FillsEveryPartWhereThereAreJustEnoughGroups) {
  Grouped data;
  for (int g = 0; g < 3; ++g) data.add(10, 0);
  for (int row = 0; row < 30; row += 2) data.strata.of_row[static_cast<size_t>(row)] = 1;
  const Split split = data.split(0.2, 0.2);
  EXPECT_EQ(split.train.size(), 10u);
  EXPECT_EQ(split.validation.size(), 10u);
  EXPECT_EQ(split.test.size(), 10u);
}

TEST(GroupSplit, TellsWhatThePartsHaveAndWhereGroupsComeNoNearer) {
  Grouped data;
  for (int g = 0; g < 10; ++g) data.add(2, g % 2);
  data.split(0.2, 0.2);
  EXPECT_EQ(data.notices,
            (std::vector<std::string>{"groups: test has 2 of them with 4 labelled rows, 4 asked: no (2), yes (2)",
                                      "groups: validation has 2 of them with 4 labelled rows, 4 asked: no (2), yes (2)",
                                      "groups: train has 6 of them with 12 labelled rows, 12 asked: no (6), yes (6)"}));
  EXPECT_EQ(data.split(0, 0).train.size(), 20u);
}

TEST(GroupSplit, RefusesWhatGroupsCannotGive) {
  Grouped two;
  two.add(10, 0);
  two.add(10, 1);
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { two.split(0.2, 0.2); }),
                  "data.group: 2 groups with a labelled row cannot fill 3 parts");
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { two.split(0.2, 0); }),
                  "' lies in so few groups that no row of it is left for training");
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { two.split(0.6, 0.5); }), "leave no row to train");
}

TEST(GroupSplit, RefusesAGivenSplitThatTearsGroups) {
  const std::vector<std::string> groups{"a", "a", "b", "", "", "b"};
  expect_whole_groups({{0, 1, 3}, {2, 5}, {4}}, groups, "s.csv");
  EXPECT_EQ(refusal(ExitCode::data,
                    [&] {
                      expect_whole_groups({{0, 2, 3}, {1, 4}, {5}}, groups, "s.csv");
                    }),
            "s.csv: the group 'a' stands in train and in validation; keep a group in one part, or remove data.group\n"
            "s.csv: the group 'b' stands in train and in test; keep a group in one part, or remove data.group");
}

}  // namespace
}  // namespace equipoise
