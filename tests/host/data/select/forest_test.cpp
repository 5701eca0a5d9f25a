// tests/host/data/select/forest_test.cpp - importance in random forests: what it must find, and that it is one answer.
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "tests/host/data/select/select_columns.h"

namespace equipoise {
namespace {

using testing::columns_of;
using testing::run_chain;

constexpr int kForestRows = 120, kForestColumns = 40;

class SelectForest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string refused = testing::forest_refused(); !refused.empty()) GTEST_SKIP() << refused;
  }
};

/// Noise of 40 columns; `shift` is added to columns 7 and 30 by row.
template <class Shift>
SelectColumns noise_with(Shift shift) {
  std::mt19937 draw(5);
  std::vector<std::vector<float>> columns(kForestColumns, std::vector<float>(kForestRows));
  for (int c = 0; c < kForestColumns; ++c)
    for (int row = 0; row < kForestRows; ++row) {
      const float noise = static_cast<float>(draw() % 2001) / 1000 - 1;
      columns[static_cast<std::size_t>(c)][static_cast<std::size_t>(row)] =
          noise + (c == 7 || c == 30 ? static_cast<float>(shift(row, c)) : 0.0f);
    }
  return columns_of(columns);
}

SelectOutcome alternating() {
  SelectOutcome outcome{{}, 2};
  for (int row = 0; row < kForestRows; ++row) outcome.values.push_back(row % 2);
  return outcome;
}

TEST_F(SelectForest, FindsTheColumnsThatTellClassesApart) {
  const SelectColumns columns = noise_with([](int row, int) { return row % 2 ? 0.6 : -0.6; });
  const Selection two = run_chain(columns, alternating(), {"forest"}, 2);
  EXPECT_EQ(two.kept, (std::vector<std::size_t>{7, 30}));
  const std::vector<double> all = run_chain(columns, alternating(), {"forest"}, kForestColumns).scores[0];
  EXPECT_NEAR(std::accumulate(all.begin(), all.end(), 0.0), 1, 1e-12);
  for (std::size_t c = 0; c < all.size(); ++c) {
    if (c == 7 || c == 30) continue;
    EXPECT_GT(std::min(all[7], all[30]), 4 * all[c]) << c;
  }
}

// Class 1 lies on both sides of class 0: means, and areas under curves, are alike.
TEST_F(SelectForest, FindsColumnsWhoseClassesDifferInSpreadAlone) {
  const SelectColumns columns = noise_with([](int row, int c) {
    return row % 2 == 0 ? 0 : row / (c == 7 ? 2 : 4) % 2 ? 1.5 : -1.5;
  });
  EXPECT_EQ(run_chain(columns, alternating(), {"forest"}, 2).kept, (std::vector<std::size_t>{7, 30}));
  for (const char* method : {"anova", "auc"})
    EXPECT_NE(run_chain(columns, alternating(), {method}, 2).kept, (std::vector<std::size_t>{7, 30})) << method;
}

TEST_F(SelectForest, FindsTheColumnsOfANumber) {
  SelectOutcome outcome;
  for (int row = 0; row < kForestRows; ++row) outcome.values.push_back(std::sin(row * 1.7));
  const SelectColumns columns =
      noise_with([&](int row, int c) { return (c == 7 ? 2 : -2) * outcome.values[static_cast<std::size_t>(row)]; });
  EXPECT_EQ(run_chain(columns, outcome, {"forest"}, 2).kept, (std::vector<std::size_t>{7, 30}));
}

// Every tree is one split at the only place where the classes part: all of the impurity is that column's.
TEST_F(SelectForest, GivesAColumnThatAloneSeparatesTheClassesAllOfTheImpurity) {
  std::vector<std::vector<float>> columns(2);
  for (int row = 0; row < kForestRows; ++row) {
    columns[0].push_back(1);
    columns[1].push_back(static_cast<float>(row % 2 ? 100 + row : row));
  }
  EXPECT_EQ(run_chain(columns_of(columns), alternating(), {"forest:trees=20"}, 2).scores[0],
            (std::vector<double>{0, 1}));
}

// Class 0 lies left of the first column's gap, classes 1 and 2 right of it on the two sides of the second's. Gini's
// impurity is 5/8. A tree tries one column at the root: the first takes 3/8 away and leaves 2/8 to the second, the
// second takes 1/8 and leaves 4/8. Trees of both kinds, equally often: 7/10 and 3/10. Where a node below tries the
// column that tells nothing, what was left to the other is lost; 2/8 more often than 4/8 in two nodes.
TEST_F(SelectForest, CountsWhatEachSplitTakesFromTheRowsThatReachIt) {
  std::vector<std::vector<float>> columns(2);
  SelectOutcome quarters{{}, 3};
  for (int row = 0; row < kForestRows; ++row) {
    const bool right = row % 4 >= 2, upper = row % 2 == 1;
    columns[0].push_back(static_cast<float>((right ? 300 : 0) + row));
    columns[1].push_back(static_cast<float>((upper ? 300 : 0) + row));
    quarters.values.push_back(right ? 1 + upper : 0);
  }
  const std::vector<double> shares = run_chain(columns_of(columns), quarters, {"forest"}, 2).scores[0];
  EXPECT_GT(shares[1], 0.22) << "the second column splits nothing but what the first sends its way";
  EXPECT_LT(shares[1], 0.34);
}

TEST_F(SelectForest, IsTheSameForASeedAndAnotherForAnother) {
  const SelectColumns columns = noise_with([](int row, int) { return row % 2 ? 0.3 : -0.3; });
  const auto scores = [&](uint64_t seed) {
    return run_chain(columns, alternating(), {"forest:trees=50"}, kForestColumns, seed).scores;
  };
  const auto one = scores(1);
  EXPECT_NE(scores(2), one);
  EXPECT_EQ(scores(1), one);
}

}  // namespace
}  // namespace equipoise
