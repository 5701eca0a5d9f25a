// tests/kernels/ops/join_test.cpp - the joining tree as operations.
#include "kernels/ops/join.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

/// Joins `groups` of slots level by level until one is left each; returns the sums.
std::vector<double> joined(int batch, int n, int groups, int count, bool per_sample) {
  reference::Draws draws(81);
  Rig rig(batch, n);
  const int full = per_sample ? count * batch : count, used = per_sample ? count * n : count;
  Place from = rig.doubles(groups * full);
  std::vector<double> expected(static_cast<std::size_t>(groups), 0.0), magnitude(expected);
  for (int g = 0; g < groups; ++g)
    for (int i = 0; i < used; ++i) {
      const double v = draws.uniform(-1, 1);
      rig.set_double(from, g * used + i, v);
      expected[static_cast<std::size_t>(g)] += v;
      magnitude[static_cast<std::size_t>(g)] += std::fabs(v);
    }
  int level = 0, left = full, left_used = used;
  for (; left > 1; ++level) {  // as many levels as a full batch needs
    left = divide_up(left, kJoin);
    left_used = divide_up(left_used, kJoin);
    const Place to = rig.doubles(groups * left);
    rig.run(Join{from, to, groups, count, level, per_sample}, {Rig::written_doubles(to, groups * left_used)});
    from = to;
  }
  std::vector<double> sums;
  for (int g = 0; g < groups; ++g) {
    sums.push_back(rig.double_at(from, g));
    expect_close(sums.back(), expected[static_cast<std::size_t>(g)], magnitude[static_cast<std::size_t>(g)], kDoubleSum,
                 std::to_string(groups) + " groups of " + std::to_string(used) + " slots");
  }
  return sums;
}

TEST(JoinOperation, SumsEveryGroupThroughAllItsLevels) {
  for (int groups : {1, 3, 15})
    for (int count : {2, 16, 17, 48, 272}) joined(4, 4, groups, count, false);
}

TEST(JoinOperation, CountsSlotsPerSampleInAShortBatch) {
  for (int n : {1, 2, 5, 17, 32}) joined(32, n, 1, kRowLanes, true);
  joined(32, 3, 1, 2 * kRowLanes, true);
  joined(40, 1, 1, 1, true);
}

TEST(JoinOperation, OfTheRowsThereAreDoesNotDependOnTheBatchsCapacity) {
  EXPECT_EQ(joined(32, 5, 1, kRowLanes, true), joined(5, 5, 1, kRowLanes, true));
  EXPECT_EQ(joined(300, 5, 1, kRowLanes, true), joined(5, 5, 1, kRowLanes, true));
}

}  // namespace
}  // namespace equipoise::test
