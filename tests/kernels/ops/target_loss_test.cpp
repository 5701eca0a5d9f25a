// tests/kernels/ops/target_loss_test.cpp - losses against targets of which some are missing: plain double loops over
// the formulas, derivatives, and the edges where a naive form would overflow.
#include "kernels/ops/target_loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "tests/kernels/ops/target_rig.h"

namespace equipoise::test {
namespace {

double squared(double x, double t) { return (x - t) * (x - t); }
double poisson(double x, double t) { return std::exp(x) - x * t + std::lgamma(t + 1); }
double logistic(double x, double t) { return std::log1p(std::exp(-std::fabs(x))) + std::max(x, 0.0) - x * t; }

TEST(CountTargets, CountsTheEntriesOfARowThatHaveOne) {
  for (const Shape& s : kShapes)
    for (const int every : {0, 1, 2, 3, 7}) {
      TargetRig t(s, s.cols, every);
      t.fill(1, [&] { return t.draws.uniform(-1, 1); });
      t.count_targets();
      for (int r = 0; r < s.n; ++r)
        for (int lane = 0; lane < kRowLanes; ++lane) {
          double expected = 0;
          for (int c = lane; c < s.cols; c += kRowLanes) expected += t.has_target(r, c);
          EXPECT_EQ(t.rig.double_at(t.counted, r * kRowLanes + lane), expected) << name_of(s);
        }
    }
}

/// Slots and gradient of one form beside `loss` and `slope` in double.
template <class Loss, class Slope>
void expect_form(TargetRig& t, TargetForm form, const TargetCase& c, Loss&& loss, Slope&& slope) {
  const double k = c.factor(t.count_targets());
  t.run(form, c);
  for (int r = 0; r < t.s.n; ++r) {
    double expected = 0, magnitude = 0;
    for (int j = 0; j < t.s.cols; ++j) {
      const double x = t.rig.row(t.x, r)[j], y = t.rig.row(t.target, r)[j];
      const std::string where = name_of(t.s) + " " + coordinate("dx", r, j);
      if (!t.has_target(r, j)) {
        EXPECT_EQ(t.rig.row(t.dx, r)[j], 0.0f) << where;
        continue;
      }
      expected += loss(x, y);
      magnitude += std::fabs(loss(x, y)) + std::fabs(x * y);
      const Tolerance few{.rel = 10 * kRounding,
                          .why = "a factor of three roundings, a sigmoid within 2.5 ulp, a difference and a product"};
      expect_close(t.rig.row(t.dx, r)[j], k * slope(x, y),
                   k * std::max({1.0, std::fabs(slope(x, y)), std::fabs(y)}), few, where);
    }
    expect_close(t.slot_sum(r), expected, magnitude, kDoubleSum, name_of(t.s) + " loss of row " + std::to_string(r));
  }
}

TEST(TargetLoss, OfNumbersIsTheSquaredErrorOfTheEntriesThatHaveOne) {
  for (const Shape& s : kShapes)
    for (const TargetCase& c : kTargetCases)
      for (const int every : {0, 1, 3}) {
        TargetRig t(s, s.cols, every);
        t.fill(3, [&] { return t.draws.uniform(-3, 3); });
        expect_form(t, TargetForm::squared, c, squared, [](double x, double y) { return 2 * (x - y); });
      }
}

TEST(TargetLoss, OfYesAndNoIsTheCrossEntropyOfASigmoid) {
  for (const Shape& s : kShapes)
    for (const TargetCase& c : kTargetCases)
      for (const int every : {0, 1, 3}) {
        TargetRig t(s, s.cols, every);
        t.fill(8, [&] { return t.draws.uniform(-1, 1) > 0 ? 1.0 : 0.0; });
        expect_form(t, TargetForm::logistic, c, logistic,
                    [](double x, double y) { return 1.0 / (1.0 + std::exp(-x)) - y; });
      }
}

TEST(TargetLoss, OfCountsIsPoissonsNegativeLogLikelihood) {
  for (const Shape& s : kShapes)
    for (const TargetCase& c : kTargetCases)
      for (const int every : {0, 1, 3}) {
        TargetRig t(s, s.cols, every);
        t.fill(4, [&] { return std::floor(std::exp(t.draws.uniform(-1, 6))); });
        expect_form(t, TargetForm::poisson, c, poisson, [](double x, double y) { return std::exp(x) - y; });
      }
}

// Of SciPy 1.17.1: -poisson.logpmf([0, 2, 7, 300], exp([-3, 0.5, 2, 6])).
TEST(TargetLoss, OfCountsIsWhatSciPySays) {
  TargetRig t({1, 1, 4}, 4, 0);
  const float x[] = {-3, 0.5f, 2, 6}, y[] = {0, 2, 7, 300};
  const double expected[] = {0.04978706836786394, 1.341868451260073, 1.914217459996065, 18.33464343780311};
  for (int j = 0; j < 4; ++j) t.rig.row(t.x, 0)[j] = x[j], t.rig.row(t.target, 0)[j] = y[j];
  t.count_targets();
  t.run(TargetForm::poisson, {true, -1});
  for (int j = 0; j < 4; ++j) EXPECT_NEAR(t.rig.double_at(t.slots, j), expected[j], 1e-12 * expected[j]) << j;
}

TEST(TargetLoss, OfCountsIsInfiniteWhereTheRateIsAndNotBefore) {
  TargetRig t({1, 1, 3}, 3, 0);
  const float x[] = {88.0f, 800.0f, -800.0f};
  for (int j = 0; j < 3; ++j) t.rig.row(t.x, 0)[j] = x[j], t.rig.row(t.target, 0)[j] = 1.0f;
  t.count_targets();
  t.run(TargetForm::poisson, {true, -1});
  EXPECT_NEAR(t.rig.double_at(t.slots, 0), std::exp(88.0) - 88, 1e-13 * std::exp(88.0));
  EXPECT_NEAR(t.rig.row(t.dx, 0)[0], std::exp(88.0), 1e-6 * std::exp(88.0));
  EXPECT_TRUE(std::isinf(t.rig.double_at(t.slots, 1)) && std::isinf(t.rig.row(t.dx, 0)[1]));
  EXPECT_EQ(t.rig.double_at(t.slots, 2), 800.0);
  EXPECT_EQ(t.rig.row(t.dx, 0)[2], -1.0f);
}

TEST(TargetLoss, IsTheDerivativeOfItsMeanOverTheTargets) {
  for (const TargetForm form : {TargetForm::squared, TargetForm::logistic, TargetForm::poisson}) {
    TargetRig t({4, 4, 5}, 5, 3);
    t.fill(4, [&] { return t.draws.uniform(-1, 1) > 0 ? 1.0 : 0.0; });
    const double entries = t.count_targets();
    EXPECT_EQ(entries, 13);  // of 20 every third from the first is missing
    t.run(form, kTargetCases[0]);
    for (int r = 0; r < 4; ++r)
      for (int j = 0; j < 5; ++j) {
        if (!t.has_target(r, j)) continue;
        constexpr double kStep = 1e-5;
        const auto loss = form == TargetForm::squared    ? squared
                          : form == TargetForm::logistic ? logistic
                                                         : poisson;
        const double x = t.rig.row(t.x, r)[j], y = t.rig.row(t.target, r)[j];
        const double slope = (loss(x + kStep, y) - loss(x - kStep, y)) / (2 * kStep) / entries;
        const Tolerance few{.rel = 2e-6, .why = "float32 slopes, and central differences with h = 1e-5"};
        expect_close(t.rig.row(t.dx, r)[j], slope, 1.0, few, coordinate("dx", r, j));
      }
  }
}

TEST(TargetLoss, WithoutAnyTargetIsZeroWhateverTheLogits) {
  for (const TargetCase& c : kTargetCases)
    for (const TargetForm form : {TargetForm::squared, TargetForm::logistic, TargetForm::poisson}) {
      TargetRig t({8, 5, 17}, 17, 1);
      t.fill(1, [] { return 0.0; });
      t.rig.row(t.x, 2)[3] = kMissing;
      EXPECT_EQ(t.count_targets(), 0.0);
      t.run(form, c);
      for (int r = 0; r < 5; ++r) {
        EXPECT_EQ(t.slot_sum(r), 0.0);
        for (int j = 0; j < 17; ++j) EXPECT_EQ(t.rig.row(t.dx, r)[j], 0.0f);
      }
    }
}

TEST(TargetLoss, OfAHugeLogitIsTheLogitWhereItIsWrongAndZeroWhereItIsRight) {
  for (const float size : {100.0f, 1000.0f, 1e30f, std::numeric_limits<float>::max()}) {
    TargetRig t({1, 1, 4}, 4, 0);
    const float x[] = {size, size, -size, -size}, y[] = {1, 0, 1, 0};
    for (int j = 0; j < 4; ++j) t.rig.row(t.x, 0)[j] = x[j], t.rig.row(t.target, 0)[j] = y[j];
    t.count_targets();
    t.run(TargetForm::logistic, {true, -1});
    const float slope[] = {0, 1, -1, 0};
    for (int j = 0; j < 4; ++j) {
      EXPECT_NEAR(t.rig.double_at(t.slots, j), j == 1 || j == 2 ? double{size} : 0.0, 1e-40) << size << " " << j;
      EXPECT_NEAR(t.rig.row(t.dx, 0)[j], slope[j], 1e-40) << size << " " << j;
    }
  }
}

TEST(TargetLoss, OfAZeroLogitIsTheLogarithmOfTwo) {
  TargetRig t({1, 1, 2}, 2, 0);
  for (int j = 0; j < 2; ++j) t.rig.row(t.x, 0)[j] = 0.0f, t.rig.row(t.target, 0)[j] = static_cast<float>(j);
  t.count_targets();
  t.run(TargetForm::logistic, {true, -1});
  for (int j = 0; j < 2; ++j) {
    EXPECT_DOUBLE_EQ(t.rig.double_at(t.slots, j), std::log(2.0));
    EXPECT_EQ(t.rig.row(t.dx, 0)[j], j == 0 ? 0.5f : -0.5f);
  }
}

TEST(TargetLoss, PassesANaNOfALogitOnOnlyWhereItHasATarget) {
  for (const TargetForm form : {TargetForm::squared, TargetForm::logistic, TargetForm::poisson}) {
    TargetRig t({1, 1, 3}, 3, 0);
    t.fill(1, [] { return 1.0; });
    t.rig.row(t.x, 0)[0] = t.rig.row(t.x, 0)[1] = kMissing;
    t.rig.row(t.target, 0)[1] = kMissing;
    t.count_targets();
    t.run(form, kTargetCases[0]);
    EXPECT_TRUE(std::isnan(t.rig.double_at(t.slots, 0)) && std::isnan(t.rig.row(t.dx, 0)[0]));
    EXPECT_EQ(t.rig.double_at(t.slots, 1), 0.0);
    EXPECT_EQ(t.rig.row(t.dx, 0)[1], 0.0f);
    EXPECT_TRUE(std::isfinite(t.rig.double_at(t.slots, 2)) && std::isfinite(t.rig.row(t.dx, 0)[2]));
  }
}

TEST(TargetLoss, WithoutAGradientWritesSlotsOnly) {
  TargetRig t({8, 5, 17}, 17, 4);
  t.fill(1, [] { return 1.0; });
  t.run(TargetForm::squared, kTargetCases[0], false);  // nor reads the count, which is still NaN
  EXPECT_TRUE(std::isfinite(t.slot_sum(4)));
}

// Of scikit-learn 1.9.1: log_loss(y, p, sample_weight=w[y]) is .7724832875034412; the gradient w (p - y) / sum w by
// NumPy.
TEST(TargetLoss, OfClassesWithWeightsIsTheirWeightedMean) {
  TargetRig t({8, 7, 1}, 1, 0);
  const float x[] = {-1.5f, 0.25f, 2, 5, -0.75f, 0.5f, -4}, y[] = {0, 1, 0, kMissing, 1, 1, kMissing};
  const double loss[] = {
      0.1007066389913762, 1.7278182596365306, 1.0634640055214863, 0, 3.4106130183446997, 1.42223095254032, 0};
  const double slope[] = {
      0.009121276190317818, -0.1313470497342606, 0.044039853898894116, 0, -0.2037536097526179, -0.11326220063944362, 0};
  for (int r = 0; r < 7; ++r) t.rig.row(t.x, r)[0] = x[r], t.rig.row(t.target, r)[0] = y[r];
  t.weigh_classes({0.5f, 3});
  EXPECT_EQ(t.count_targets(), 10.0);
  t.run(TargetForm::logistic, kTargetCases[0]);
  double sum = 0;
  for (int r = 0; r < 7; ++r) {
    EXPECT_NEAR(t.slot_sum(r), loss[r], 1e-14) << r;
    EXPECT_NEAR(t.rig.row(t.dx, r)[0], slope[r], 3e-8) << r;
    sum += t.slot_sum(r);
  }
  EXPECT_NEAR(sum / 10.0, 0.7724832875034412, 1e-15);
  t.run(TargetForm::logistic, {true, 2});  // a sum, of a task that weighs 1.75
  for (int r = 0; r < 7; ++r) EXPECT_NEAR(t.rig.row(t.dx, r)[0], 17.5 * slope[r], 6e-7) << r;
}

TEST(TargetLoss, OfClassesThatAllWeighOneHasTheBitsOfNone) {
  for (const Shape& s : kShapes)
    for (const TargetCase& c : kTargetCases) {
      TargetRig none(s, s.cols, 3), ones(s, s.cols, 3);
      ones.weigh_classes({1, 1});
      for (TargetRig* t : {&none, &ones}) {
        t->fill(8, [&] { return t->draws.uniform(-1, 1) > 0 ? 1.0 : 0.0; });
        t->count_targets();
        t->run(TargetForm::logistic, c);
      }
      EXPECT_EQ(none.rig.double_at(none.count, 0), ones.rig.double_at(ones.count, 0)) << name_of(s);
      for (int r = 0; r < s.n; ++r) {
        for (int lane = 0; lane < kRowLanes; ++lane)
          EXPECT_EQ(none.rig.double_at(none.slots, r * kRowLanes + lane),
                    ones.rig.double_at(ones.slots, r * kRowLanes + lane))
              << name_of(s);
        EXPECT_EQ(std::memcmp(none.rig.row(none.dx, r), ones.rig.row(ones.dx, r), sizeof(float) * s.cols), 0);
      }
    }
}

}  // namespace
}  // namespace equipoise::test
