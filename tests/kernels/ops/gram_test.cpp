// tests/kernels/ops/gram_test.cpp - inner products of task gradients over stretches of parameters, and their norms.
#include "kernels/ops/gram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/ops/join.h"
#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

TEST(GramPair, WalksTheUpperTriangleRowByRow) {
  for (int tasks = 1; tasks <= 6; ++tasks) {
    int q = 0;
    for (int i = 0; i < tasks; ++i)
      for (int j = i; j < tasks; ++j, ++q) {
        EXPECT_EQ(gram_pair(tasks, q).i, i);
        EXPECT_EQ(gram_pair(tasks, q).j, j);
      }
    EXPECT_EQ(gram_pairs(tasks), q);
  }
}

/// A stretch of parameters: elements and how many floats each element averages.
struct StretchCase {
  int count, fold;
};

/// Gram matrix over several stretches; lane order is tasks falling, and `missing` has no lane.
void expect_gram(int tasks, const std::vector<StretchCase>& stretches, int missing, double size, int balancer = 0) {
  reference::Draws draws(91);
  Rig rig(4);
  int slots_per_pair = 0;
  for (const StretchCase& s : stretches) slots_per_pair += flat_slots(s.count);
  const int pairs = gram_pairs(tasks);
  const Place slots = rig.doubles(pairs * slots_per_pair);
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(tasks));
  int first_slot = 0;
  for (const StretchCase& s : stretches) {
    const int floats = s.count * s.fold, stride = floats + 8;
    const Place gradient = rig.floats(tasks * stride);
    GramSlots op{gradient, stride, {}, tasks, s.count, s.fold, slots, slots_per_pair, first_slot};
    std::fill(std::begin(op.lane_of_task), std::end(op.lane_of_task), int8_t{-1});
    for (int k = 0; k < tasks; ++k) {
      const int lane = tasks - 1 - k;
      if (k != missing) op.lane_of_task[k] = static_cast<int8_t>(lane);
      const Place from{gradient.offset + lane * stride, gradient.space};
      rig.fill(from, floats, draws, -size, size);
      for (int e = 0; e < s.count; ++e) {
        double mean = 0;
        for (int f = 0; f < s.fold; ++f) mean += rig.at(from)[e + f * s.count];
        rows[static_cast<std::size_t>(k)].push_back(k == missing ? 0.0 : mean / s.fold);
      }
    }
    std::vector<Written> writes;
    for (int q = 0; q < pairs; ++q)
      writes.push_back(Rig::written_doubles({slots.offset + 2 * (q * slots_per_pair + first_slot), slots.space},
                                            flat_slots(s.count)));
    rig.run(op, writes);
    first_slot += flat_slots(s.count);
  }
  Place sums = slots;
  for (int level = 0, left = slots_per_pair; left > 1; ++level) {
    left = divide_up(left, kJoin);
    const Place to = rig.doubles(pairs * left);
    rig.run(Join{sums, to, pairs, slots_per_pair, level, false}, {Rig::written_doubles(to, pairs * left)});
    sums = to;
  }
  const Control before = rig.control();
  rig.run(GramClose{sums, tasks, balancer}, {});
  const int first = balancer * tasks * tasks, end = first + tasks * tasks;
  for (int e = 0; e < kMaxTasks * kMaxTasks; ++e)
    if (e < first || e >= end) {
      EXPECT_EQ(rig.control().gram[e], before.gram[e]) << "entry " << e << " is another's";
    }

  const reference::Matrix expected = reference::gram(rows);
  for (int i = 0; i < tasks; ++i) {
    for (int j = 0; j < tasks; ++j) {
      const std::string where = std::to_string(tasks) + " tasks, " + coordinate("G", i, j);
      expect_close(rig.control().gram[first + i * tasks + j], expected.at(i, j),
                   std::sqrt(expected.at(i, i) * expected.at(j, j)), kDoubleSum, where);
      EXPECT_EQ(rig.control().gram[first + i * tasks + j], rig.control().gram[first + j * tasks + i]) << where;
    }
  }
}

TEST(Gram, IsJJTransposedForOneToFiveTasks) {
  for (int tasks = 1; tasks <= 5; ++tasks)
    for (int count : {1, 20, 256, 257, 660}) expect_gram(tasks, {{count, 1}}, -1, 1.0);
}

TEST(Gram, AddsUpStretchesAndMeansOfStretches) {
  expect_gram(3, {{640, 1}, {20, 1}}, -1, 1.0);
  expect_gram(3, {{10, 2}}, -1, 1.0);
  expect_gram(2, {{100, 3}, {300, 2}, {1, 1}}, -1, 1.0);
}

TEST(Gram, OfEachBalancerLiesInItsOwnPartOfTheControl) {
  expect_gram(3, {{300, 1}}, -1, 1.0, 1);
  expect_gram(8, {{20, 1}}, -1, 1.0, 3);
}

TEST(Gram, CountsATaskWithoutALaneAsZero) { expect_gram(4, {{300, 1}, {5, 1}}, 2, 1.0); }

TEST(Gram, KeepsScalesWhoseSquaresAFloatCannotHold) {
  expect_gram(3, {{300, 1}}, -1, 1e30);
  expect_gram(3, {{300, 1}}, -1, 1e-30);
}

TEST(Gram, OfZeroGradientsIsExactlyZero) { expect_gram(3, {{40, 1}}, -1, 0.0); }

TEST(Gram, ShowsANaNInItsTasksRowAndColumnOnly) {
  Rig rig(1);
  const Place gradient = rig.floats(3 * 8), slots = rig.doubles(6 * kRowLanes), sums = rig.doubles(6);
  for (int i = 0; i < 24; ++i) rig.at(gradient)[i] = 1.0f;
  rig.at(gradient)[8 + 3] = NAN;
  rig.run(GramSlots{gradient, 8, {0, 1, 2}, 3, 8, 1, slots, kRowLanes, 0},
          {Rig::written_doubles(slots, 6 * kRowLanes)});
  rig.run(Join{slots, sums, 6, kRowLanes, 0, false}, {Rig::written_doubles(sums, 6)});
  rig.run(GramClose{sums, 3, 0}, {});
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      EXPECT_EQ(std::isnan(rig.control().gram[i * 3 + j]), i == 1 || j == 1) << coordinate("G", i, j);
}

}  // namespace
}  // namespace equipoise::test
