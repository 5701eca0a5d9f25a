// tests/kernels/base/slots_test.cpp - sums whose order depends on the shape alone: units, slots, the joining tree.
#include "kernels/base/slots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

const int kCounts[] = {0, 1, 2, 15, 16, 17, 31, 81, 255, 256, 257, 300, 1000, 4096, 4097, 70000};

template <class Team>
void expect_every_column_once(int cols) {
  std::vector<int> visits(static_cast<std::size_t>(cols), 0);
  for (int u = 0; u < row_units<Team>(1); ++u) {
    EXPECT_EQ(unit_row<Team>(u), 0);
    const int lane = unit_lane<Team>(u);
    each_column<Team::kLanes>(cols, lane, [&](int c, int l) {
      ++visits[static_cast<std::size_t>(c)];
      EXPECT_EQ(c % kRowLanes, (lane + l) % kRowLanes) << "column " << c << " of " << cols;
    });
  }
  for (int v : visits) EXPECT_EQ(v, 1) << "of " << cols << " columns";
}

TEST(Slots, DealEveryColumnOnceToItsLane) {
  for (int cols : kCounts) {
    if (cols > 1000) continue;
    expect_every_column_once<SerialTeam>(cols);
    expect_every_column_once<SerialTeamOf<DeviceCut>>(cols);
  }
}

TEST(Slots, CutAFlatArrayIntoRowsThatAddUpToIt) {
  for (int count : kCounts) {
    int sum = 0;
    for (int row = 0; row < flat_rows(count); ++row) {
      EXPECT_GT(flat_columns(count, row), 0);
      EXPECT_LE(flat_columns(count, row), kFlatRow);
      sum += flat_columns(count, row);
    }
    EXPECT_EQ(sum, count);
    EXPECT_EQ(flat_slots(count), flat_rows(count) * kRowLanes);
  }
}

/// The tree of the documentation: halves of 8, 4, then (0 + 2) + (1 + 3); absent slots are +0.
double tree(std::vector<double> s) {
  s.resize(16, 0.0);
  for (int half : {8, 4, 2})
    for (int i = 0; i < half; ++i) s[static_cast<std::size_t>(i)] += s[static_cast<std::size_t>(i + half)];
  return s[0] + s[1];
}

TEST(Join, IsTheFixedTreeForEveryCount) {
  reference::Draws draws(71);
  for (int count = 0; count <= kJoin; ++count) {
    std::vector<double> slots;
    for (int i = 0; i < count; ++i) slots.push_back(draws.uniform(-1, 1));
    slots.push_back(NAN);  // beyond the count: must not be read
    const double got = join(slots.data(), count);
    slots.pop_back();
    EXPECT_EQ(got, tree(slots)) << count << " slots";
  }
}

double term(int i) { return std::sin(0.37 * i) * (i % 7 == 0 ? 1e6 : 1.0); }

/// The sum in the documented order, written out: 16 lanes of each 256, then sixteens by the tree.
double slot_sum_by_hand(int count) {
  std::vector<double> level;
  for (int row = 0; row * kFlatRow < count; ++row)
    for (int lane = 0; lane < kRowLanes; ++lane) {
      double sum = 0;
      for (int c = lane; c < kFlatRow && row * kFlatRow + c < count; c += kRowLanes) sum += term(row * kFlatRow + c);
      level.push_back(sum);
    }
  while (level.size() > 1) {
    std::vector<double> next;
    for (std::size_t i = 0; i < level.size(); i += kJoin)
      next.push_back(tree({level.begin() + static_cast<std::ptrdiff_t>(i),
                           level.begin() + static_cast<std::ptrdiff_t>(std::min(i + kJoin, level.size()))}));
    level = next;
  }
  return level.empty() ? 0.0 : level[0];
}

/// The same by the pieces that operations are made of: slots of a cut, then levels of joins.
template <class Cut>
double slot_sum(int count) {
  std::vector<double> level(static_cast<std::size_t>(flat_slots(count)), NAN);
  for (int u = 0; u < row_units<Cut>(flat_rows(count)); ++u) {
    const int row = unit_row<Cut>(u);
    sum_row<Cut::kLanes>(flat_columns(count, row), unit_lane<Cut>(u), level.data() + row * kRowLanes,
                         [&](int c) { return term(row * kFlatRow + c); });
  }
  while (level.size() > 1) {
    std::vector<double> next;
    for (std::size_t i = 0; i < level.size(); i += kJoin)
      next.push_back(join(level.data() + i, static_cast<int>(std::min<std::size_t>(level.size() - i, kJoin))));
    level = next;
  }
  return level.empty() ? 0.0 : level[0];
}

TEST(SlotSum, GivesEveryCutTheBitsOfTheDocumentedOrder) {
  for (int count : kCounts) {
    EXPECT_EQ(slot_sum<HostCut>(count), slot_sum_by_hand(count)) << count;
    EXPECT_EQ(slot_sum<DeviceCut>(count), slot_sum_by_hand(count)) << count;
  }
}

TEST(SlotSum, StaysCloseToTheExactSum) {
  for (int count : kCounts) {
    double exact = 0, magnitude = 0;
    for (int i = 0; i < count; ++i) {
      exact += term(i);
      magnitude += std::fabs(term(i));
    }
    expect_close(slot_sum_by_hand(count), exact, magnitude, {.rel = 1e-11, .why = "70000 roundings of a float64 sum"},
                 std::to_string(count) + " terms");
  }
}

}  // namespace
}  // namespace equipoise::test
