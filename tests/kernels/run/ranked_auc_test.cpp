// tests/kernels/run/ranked_auc_test.cpp - areas under ROC curves by sorted keys: counted by hand and pair by pair, with
// the same bits on every team.
#include "kernels/run/ranked_auc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/teams/host_team.h"
#include "tests/reference/random_problem.h"

namespace equipoise::test {
namespace {

constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN(),
                kInfinite = std::numeric_limits<float>::infinity();

/// An output of an evaluation and its truth; row r of it is row row_list[r] of the labels.
struct Output {
  std::vector<float> values;
  std::vector<int32_t> labels;  // of the rows in the order of the output
  int cols = 2;
  bool logits = true;

  /// By a team of so many threads; -1 for no value, which is a NaN.
  double area(int threads, bool among_others) const {
    const auto rows = static_cast<int32_t>(labels.size());
    std::vector<int32_t> row_list, by_row(labels.size() + 3, -7);  // a label that belongs to no row of these
    for (int32_t r = 0; r < rows; ++r) {
      row_list.push_back(rows + 2 - r);
      by_row[static_cast<std::size_t>(row_list.back())] = labels[static_cast<std::size_t>(r)];
    }
    std::vector<uint64_t> keys(static_cast<std::size_t>(sorted_size(rows)), 5);
    std::vector<float> targets(by_row.size() * 3, 9.0f);  // the class is in the second of three columns
    for (std::size_t i = 0; i < by_row.size(); ++i)
      targets[i * 3 + 1] = by_row[i] == -1 ? kNotANumber : static_cast<float>(by_row[i]);
    std::vector<float> wide;  // the classes stand between other answers
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i % static_cast<std::size_t>(cols) == 0) wide.insert(wide.end(), {kNotANumber, -3.0f});
      wide.push_back(values[i]);
    }
    RankedRows of{.values = values.data(),
                  .stride = cols,
                  .cols = cols,
                  .labels = by_row.data(),
                  .row_list = row_list.data(),
                  .rows = rows,
                  .logits = logits};
    if (among_others) {
      of.values = wide.data() + 2;
      of.stride = cols + 2;
      of.labels = nullptr;
      of.targets = targets.data() + 1;
      of.target_stride = 3;
    }
    double area = 0;
    if (threads == 0) area = ranked_auc(SerialTeam{}, of, keys.data());
    else
      run_host_team<HostTeamOf<DeviceCut>>(threads, [&](const auto& team) {
        const double here = ranked_auc(team, of, keys.data());
        if (team.thread_rank() == 0) area = here;
      });
    return std::isnan(area) ? -1 : area;
  }
};

/// On teams of one, three and eight, by a label and by a target, which must agree.
double area_of(const Output& output) {
  const double area = output.area(0, false);
  for (const int threads : {0, 1, 3, 8})
    for (const bool among_others : {false, true})
      EXPECT_EQ(output.area(threads, among_others), area) << threads << " threads " << among_others;
  return area;
}

/// Logits of two classes whose second one has the given logit against the first.
Output binary(const std::vector<float>& logit, const std::vector<int32_t>& labels) {
  Output output{{}, labels};
  for (const float l : logit) output.values.insert(output.values.end(), {0.0f, l});
  return output;
}

TEST(RankedAuc, IsWhatIsCountedByHand) {
  EXPECT_EQ(area_of(binary({-1, 0, 1, 2}, {0, 0, 1, 1})), 1.0);
  EXPECT_EQ(area_of(binary({-1, 0, 1, 2}, {1, 1, 0, 0})), 0.0);
  EXPECT_EQ(area_of(binary({-1, 0, 1, 2}, {0, 1, 0, 1})), 0.75) << "3 of 4 pairs";
  EXPECT_EQ(area_of(binary({1, 1, 1}, {0, 1, 0})), 0.5) << "all tied";
  EXPECT_EQ(area_of(binary({2, 1, 1}, {1, 1, 0})), 0.75) << "a pair won, a pair tied";
  EXPECT_EQ(area_of(binary({2, 3, 1, 9}, {1, -1, 0, -1})), 1.0) << "what has no label does not count";
}

TEST(RankedAuc, TiesWhatTheProbabilitiesDoNotTellApart) {
  // e^-40 and e^-50 are both lost beside 1, and e^-1000 and e^-2000 are 0.
  EXPECT_EQ(area_of(binary({40, 50}, {1, 0})), 0.5);
  EXPECT_EQ(area_of(binary({-1000, -2000}, {1, 0})), 0.5);
  EXPECT_EQ(area_of(binary({-40, -50}, {1, 0})), 1.0) << "small probabilities keep their order";
}

TEST(RankedAuc, OfOneColumnRanksTheSecondClassByItsLogit) {
  EXPECT_EQ(area_of(Output{{-1, 0, 1, 2}, {0, 1, 0, 1}, 1}), 0.75);
  // Probabilities of 1, 1, 0 and 0: of four pairs one is won, one lost, two are tied.
  EXPECT_EQ(area_of(Output{{40, 50, -800, -900}, {0, 1, 1, 0}, 1}), 0.5);
  EXPECT_EQ(area_of(Output{{1, kNotANumber, 2}, {0, -1, 1}, 1}), -1);
  EXPECT_EQ(area_of(Output{{-kInfinite, 0, kInfinite}, {0, 0, 1}, 1}), 1.0) << "probabilities of 0 and 1";
}

TEST(RankedAuc, RanksProbabilitiesAsTheyAre) {
  Output given{{0.5f, 0.5f, 0.25f, 0.75f, 0.75f, 0.25f}, {1, 1, 0}, 2, false};
  EXPECT_EQ(area_of(given), 1.0);
  given.values = {0.9f, 0.25f, 0.9f, 0.5f, 0.9f, 0.25f};  // the second column alone, whatever the first says
  EXPECT_EQ(area_of(given), 0.75);
  given.values[2] = kNotANumber;
  EXPECT_EQ(area_of(given), -1) << "a row that says no probability of the first class has none of the second";
}

TEST(RankedAuc, IsUndefinedWithoutBothClassesOrWithoutNumbers) {
  EXPECT_EQ(area_of(binary({1, 2}, {1, 1})), -1);
  EXPECT_EQ(area_of(binary({1, 2}, {0, 0})), -1);
  EXPECT_EQ(area_of(binary({1, 2}, {-1, -1})), -1);
  EXPECT_EQ(area_of(binary({1}, {0})), -1);
  for (const float bad : {kNotANumber, kInfinite}) {
    EXPECT_EQ(area_of(binary({1, bad, 2}, {0, 1, 1})), -1) << bad;
    EXPECT_EQ(area_of(binary({1, bad, 2}, {0, -1, 1})), -1) << bad << " without a label";
  }
  EXPECT_EQ(area_of(binary({1, -kInfinite, 2}, {0, 0, 1})), 1.0) << "a probability of 0";
}

TEST(RankedAuc, OfMoreClassesIsTheMeanOfThoseThatAreThere) {
  const Output three{{3, 0, 0, 0, 1, 0, 1, 2, 0, 2, 0, 0}, {0, 1, 0, -1}, 3};
  // P(class 0) of rows 0, 1, 2: .91, .21, .24; rows 0 and 2 are of it and win both pairs against row 1.
  // P(class 1): .05, .58, .67; row 1 is of it and wins one pair of two. No row is of class 2.
  EXPECT_EQ(area_of(three), 0.75);
}

/// Pair by pair, of probabilities that are computed otherwise: the order is that of logits far from saturation.
double counted(const std::vector<float>& logit, const std::vector<int32_t>& labels) {
  double half_wins = 0, pairs = 0;
  for (std::size_t i = 0; i < logit.size(); ++i)
    for (std::size_t j = 0; j < logit.size(); ++j)
      if (labels[i] == 1 && labels[j] == 0) {
        ++pairs;
        half_wins += logit[i] > logit[j] ? 2 : (logit[i] == logit[j] ? 1 : 0);
      }
  return half_wins / (2 * pairs);
}

TEST(RankedAuc, IsTheShareOfPairsAtEverySize) {
  reference::Draws draws(3);
  for (const int rows : {2, 3, 4, 5, 8, 31, 64, 65, 300, 1025}) {
    std::vector<float> logit;
    std::vector<int32_t> labels;
    for (int r = 0; r < rows; ++r) {
      logit.push_back(static_cast<float>(std::round(draws.uniform(-4, 4) * 16) / 16));  // 129 values: many ties
      labels.push_back(r < 2 ? r : static_cast<int32_t>(draws.uniform(-1, 2)));
    }
    EXPECT_EQ(area_of(binary(logit, labels)), counted(logit, labels)) << rows;
  }
}

TEST(SortedSize, IsThePowerOfTwoThatHoldsTheRows) {
  EXPECT_EQ(sorted_size(0), 2);
  EXPECT_EQ(sorted_size(2), 2);
  EXPECT_EQ(sorted_size(3), 4);
  EXPECT_EQ(sorted_size(1024), 1024);
  EXPECT_EQ(sorted_size(1025), 2048);
}

}  // namespace
}  // namespace equipoise::test
