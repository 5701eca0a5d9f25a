// tests/kernels/base/slots_test.cpp - sums whose order depends on the shape alone: units, slots, the joining tree.
#include "kernels/base/slots.h"

#include <gtest/gtest.h>

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

template <class Team>
void expect_collective_sum(int threads, int count) {
  const double expected = slot_sum_by_hand(count);
  std::vector<double> scratch(static_cast<std::size_t>(2 * flat_slots(count)) + 1, NAN);
  std::vector<double> got(static_cast<std::size_t>(threads), NAN);
  run_host_team<Team>(threads, [&](const Team& team) {
    got[static_cast<std::size_t>(team.thread_rank())] = slot_sum(team, count, scratch.data(), term);
    // A second sum over the same scratch: the first must have ended synchronised.
    EXPECT_EQ(slot_sum(team, count, scratch.data(), term), expected);
  });
  for (int t = 0; t < threads; ++t) EXPECT_EQ(got[static_cast<std::size_t>(t)], expected) << count << ", rank " << t;
  EXPECT_TRUE(std::isnan(scratch.back())) << "scratch beyond the documented size was written";
}

TEST(SlotSum, GivesEveryMemberOfEveryTeamTheBitsOfTheDocumentedOrder) {
  for (int count : kCounts) {
    expect_collective_sum<HostTeam>(1, count);
    expect_collective_sum<HostTeamOf<DeviceCut>>(1, count);
    for (int threads : {2, 7, 32}) {
      expect_collective_sum<HostTeam>(threads, count);
      expect_collective_sum<HostTeamOf<DeviceCut>>(threads, count);
    }
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
