// tests/kernels/ops/target_cross_entropy_test.cpp - softmax cross-entropy against class numbers of which some are
// missing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "tests/kernels/ops/target_rig.h"

namespace equipoise::test {
namespace {

double log_sum_exp(const float* x, int cols, int at = -1, double step = 0) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (int j = 0; j < cols; ++j) largest = std::max(largest, x[j] + (j == at ? step : 0));
  for (int j = 0; j < cols; ++j) sum += std::exp(x[j] + (j == at ? step : 0) - largest);
  return largest + std::log(sum);
}

void expect_classes(const Shape& s, const TargetCase& c, int every) {
  TargetRig t(s, 1, every);
  int label = 0;
  t.fill(6, [&] { return (7 * ++label) % s.cols; });
  const double k = c.factor(t.count_targets());
  t.run_classes(c);
  for (int r = 0; r < s.n; ++r) {
    const float* x = t.rig.row(t.x, r);
    const double all = log_sum_exp(x, s.cols), y = t.rig.row(t.target, r)[0];
    const std::string where = name_of(s) + " " + coordinate("dx", r, 0);
    const double loss = t.has_target(r, 0) ? all - double{x[static_cast<int>(y)]} : 0.0;
    const Tolerance sum{.rel = (s.cols + 8) * kRounding, .why = "a float sum over the classes and its logarithm"};
    expect_close(t.rig.double_at(t.slots, r), loss, t.has_target(r, 0) ? std::fabs(loss) + 1 : 0.0, sum, where);
    for (int j = 0; j < s.cols; ++j) {
      const double share = std::exp(double{x[j]} - all), slope = share - (j == static_cast<int>(y) ? 1 : 0);
      expect_close(t.rig.row(t.dx, r)[j], t.has_target(r, 0) ? k * slope : 0.0, t.has_target(r, 0) ? k : 0.0, sum,
                   where + " class " + std::to_string(j));
    }
  }
}

TEST(TargetCrossEntropy, IsTheSoftmaxsOfTheRowsThatHaveAClass) {
  for (const Shape& s : kShapes)
    for (const TargetCase& c : kTargetCases)
      for (const int every : {0, 1, 3}) expect_classes(s, c, every);
}

TEST(TargetCrossEntropy, IsTheDerivativeOfItsMeanOverTheRows) {
  TargetRig t({5, 5, 4}, 1, 4);
  int label = 0;
  t.fill(3, [&] { return ++label % 4; });
  const double rows = t.count_targets();
  EXPECT_EQ(rows, 3);
  t.run_classes(kTargetCases[0]);
  for (int r = 1; r < 4; ++r)
    for (int j = 0; j < 4; ++j) {
      const auto loss = [&](double step) {
        const float* x = t.rig.row(t.x, r);
        const int y = static_cast<int>(t.rig.row(t.target, r)[0]);
        return (log_sum_exp(x, 4, j, step) - x[y] - (j == y ? step : 0)) / rows;
      };
      const double slope = (loss(1e-5) - loss(-1e-5)) / 2e-5;
      const Tolerance few{.rel = 2e-6, .why = "float32 slopes, and central differences with h = 1e-5"};
      expect_close(t.rig.row(t.dx, r)[j], slope, 1.0, few, coordinate("dx", r, j));
    }
}

TEST(TargetCrossEntropy, OfHugeLogitsIsTheirDifference) {
  TargetRig t({2, 2, 3}, 1, 0);
  const float x[2][3] = {{1e30f, -1e30f, 0}, {-1000, -2000, -3000}};
  for (int r = 0; r < 2; ++r) {
    std::copy(x[r], x[r] + 3, t.rig.row(t.x, r));
    t.rig.row(t.target, r)[0] = static_cast<float>(r + 1);
  }
  t.count_targets();
  t.run_classes({true, -1});
  EXPECT_EQ(t.rig.double_at(t.slots, 0), 2 * double{1e30f});
  EXPECT_EQ(t.rig.double_at(t.slots, 1), 2000.0);
  const float slope[2][3] = {{1, -1, 0}, {1, 0, -1}};
  for (int r = 0; r < 2; ++r)
    for (int j = 0; j < 3; ++j) EXPECT_EQ(t.rig.row(t.dx, r)[j], slope[r][j]) << coordinate("dx", r, j);
}

TEST(TargetCrossEntropy, OfARowWithoutAClassIsZeroEvenIfItsLogitsAreNaN) {
  TargetRig t({3, 3, 4}, 1, 2);  // rows 0 and 2 have none
  t.fill(1, [] { return 2.0; });
  for (int r = 0; r < 2; ++r) t.rig.row(t.x, r)[1] = kMissing;
  EXPECT_EQ(t.count_targets(), 1.0);
  t.run_classes(kTargetCases[0]);
  EXPECT_EQ(t.rig.double_at(t.slots, 0), 0.0);
  EXPECT_TRUE(std::isnan(t.rig.double_at(t.slots, 1)) && std::isnan(t.rig.row(t.dx, 1)[1]));
  EXPECT_EQ(t.rig.double_at(t.slots, 2), 0.0);
  for (int j = 0; j < 4; ++j) EXPECT_TRUE(t.rig.row(t.dx, 0)[j] == 0.0f && t.rig.row(t.dx, 2)[j] == 0.0f);
}

TEST(TargetCrossEntropy, WithoutAGradientWritesSlotsOnly) {
  TargetRig t({8, 5, 3}, 1, 4);
  t.fill(1, [] { return 1.0; });
  t.run_classes(kTargetCases[0], false);
  EXPECT_EQ(t.rig.double_at(t.slots, 0), 0.0);
  EXPECT_GT(t.rig.double_at(t.slots, 1), 0.0);
}

// Of scikit-learn 1.9.1: log_loss(y, p, sample_weight=w[y]) is .9748982324129972; the gradient w (p - [j = y]) / sum w
// by NumPy.
TEST(TargetCrossEntropy, OfClassesWithWeightsIsTheirWeightedMean) {
  TargetRig t({6, 5, 3}, 1, 0);
  const float x[5][3] = {{0.5f, -1, 2}, {1.5f, 0, -0.5f}, {9, 9, 9}, {-2, 0.75f, 0.25f}, {0, 1, -1}};
  const float y[] = {2, 1, kMissing, 0, 1};
  const double loss[] = {0.36196694498573556, 3.612711424458293, 0, 0.8157745380419449, 0.8152119288887606};
  const double slope[5][3] = {{0.045727928384357394, 0.010203279983657597, -0.05593120836801499},
                              {0.2560433823695979, -0.29069508604344774, 0.03465170367384985},
                              {0, 0, 0},
                              {-0.04181436308846443, 0.026027740482677086, 0.015786622605787348},
                              {0.08512294645384266, -0.1164379284261489, 0.03131498197230625}};
  for (int r = 0; r < 5; ++r) {
    std::copy(x[r], x[r] + 3, t.rig.row(t.x, r));
    t.rig.row(t.target, r)[0] = y[r];
  }
  t.weigh_classes({0.25f, 2, 1.5f});
  EXPECT_EQ(t.count_targets(), 5.75);
  t.run_classes(kTargetCases[0]);
  double sum = 0;
  for (int r = 0; r < 5; ++r) {
    EXPECT_NEAR(t.rig.double_at(t.slots, r), loss[r], 1e-6) << r;
    for (int j = 0; j < 3; ++j) EXPECT_NEAR(t.rig.row(t.dx, r)[j], slope[r][j], 6e-8) << coordinate("dx", r, j);
    sum += t.rig.double_at(t.slots, r);
  }
  EXPECT_NEAR(sum / 5.75, 0.9748982324129972, 3e-7);
  t.run_classes({true, 2});  // a sum, of a task that weighs 1.75
  for (int r = 0; r < 5; ++r)
    for (int j = 0; j < 3; ++j) EXPECT_NEAR(t.rig.row(t.dx, r)[j], 1.75 * 5.75 * slope[r][j], 1e-6);
}

TEST(TargetCrossEntropy, OfClassesThatAllWeighOneHasTheBitsOfNone) {
  for (const Shape& s : kShapes)
    for (const TargetCase& c : kTargetCases) {
      TargetRig none(s, 1, 3), ones(s, 1, 3);
      ones.weigh_classes(std::vector<float>(static_cast<std::size_t>(s.cols), 1.0f));
      for (TargetRig* t : {&none, &ones}) {
        int label = 0;
        t->fill(6, [&] { return (7 * ++label) % s.cols; });
        t->count_targets();
        t->run_classes(c);
      }
      EXPECT_EQ(none.rig.double_at(none.count, 0), ones.rig.double_at(ones.count, 0)) << name_of(s);
      for (int r = 0; r < s.n; ++r) {
        EXPECT_EQ(none.rig.double_at(none.slots, r), ones.rig.double_at(ones.slots, r)) << name_of(s);
        EXPECT_EQ(std::memcmp(none.rig.row(none.dx, r), ones.rig.row(ones.dx, r), sizeof(float) * s.cols), 0);
      }
    }
}

}  // namespace
}  // namespace equipoise::test
