// tests/kernels/ops/adversarial_test.cpp - losses of a discriminator's logits for real and made-up rows against their
// formulas in double, and their derivative.
#include "kernels/ops/adversarial.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

constexpr float kOffset = 1e-3f;

/// -log(p + offset) of the probability of being what the row should pass as.
double loss_of(double x, bool real, double offset) { return -std::log(1.0 / (1.0 + std::exp(real ? -x : x)) + offset); }

/// d loss / dx as the formula has it, of p = sigmoid(x).
double slope_of(double x, bool real, double offset) {
  const double p = 1.0 / (1.0 + std::exp(-x)), q = 1.0 / (1.0 + std::exp(x));  // q is 1 - p with all its digits
  return real ? -p * q / (p + offset) : p * q / (q + offset);
}

struct Case {
  bool real, sums;
  int task;
  float offset;
};

struct AdversarialRig {
  AdversarialRig(const Shape& shape, int number_of_blocks) : s(shape), blocks(number_of_blocks), rig(s.batch, s.n) {
    x = rig.matrix(blocks, s.cols);
    dx = rig.matrix(blocks, s.cols);
    slots = rig.doubles(blocks * s.batch * kRowLanes);
    rig.control().shared_weights[2] = 1.75;
  }
  void run(const Case& c, bool has_gradient = true) {
    std::vector<Written> writes{Rig::written_doubles(slots, rig.rows(x) * kRowLanes)};
    if (has_gradient) writes.push_back(rig.written(dx));
    rig.run(Adversarial{x, dx, slots, c.offset, c.task, c.real, has_gradient, c.sums}, writes);
  }
  double slot(int r, int lane) { return rig.double_at(slots, r * kRowLanes + lane); }
  Shape s;
  int blocks;
  Rig rig;
  View x{}, dx{};
  Place slots{};
};

void expect_losses(const Shape& s, int blocks, const Case& c, double size) {
  AdversarialRig a(s, blocks);
  reference::Draws draws(71);
  a.rig.fill(a.x, draws, -size, size);
  a.run(c);
  const double k = (c.task < 0 ? 1.0 : 1.75) / (c.sums ? 1 : s.n * s.cols);
  for (int r = 0; r < a.rig.rows(a.x); ++r) {
    double got = 0, expected = 0, magnitude = 0;
    for (int lane = 0; lane < kRowLanes; ++lane) got += a.slot(r, lane);
    for (int j = 0; j < s.cols; ++j) {
      const double x = a.rig.row(a.x, r)[j], loss = loss_of(x, c.real, c.offset);
      expected += loss;
      magnitude += std::fabs(loss) + 1;
      const Tolerance t{.rel = 24 * kRounding,
                        .why = "a sigmoid within a few ulp and 1 - p, whose error is that of p, not its own"};
      const double p = 1.0 / (1.0 + std::exp(c.real ? -x : x));
      expect_close(a.rig.row(a.dx, r)[j], k * slope_of(x, c.real, c.offset), k * p / (p + c.offset), t,
                   name_of(s) + " " + coordinate("dx", r, j));
    }
    const Tolerance t{.rel = 12 * kRounding, .why = "a sigmoid and a sum of some ulp, and a logarithm within 2 ulp"};
    expect_close(got, expected, magnitude, t, name_of(s) + " losses of row " + std::to_string(r));
  }
}

TEST(Adversarial, IsTheFormulaForRealAndMadeUpRows) {
  for (const Shape& s : kShapes)
    for (const bool real : {true, false})
      for (const bool sums : {true, false}) {
        expect_losses(s, 1, {real, sums, -1, kOffset}, 4);
        expect_losses(s, 2, {real, sums, 2, kOffset}, 12);
      }
}

TEST(Adversarial, WithoutAnOffsetIsTheCrossEntropyOfASigmoid) {
  for (const bool real : {true, false}) expect_losses({8, 5, 16}, 1, {real, false, -1, 0.0f}, 8);
}

TEST(Adversarial, SlotsAColumnByItsLane) {
  AdversarialRig a({2, 2, 3}, 1);
  reference::Draws draws(72);
  a.rig.fill(a.x, draws);
  a.run({true, true, -1, kOffset});
  for (int lane = 0; lane < kRowLanes; ++lane) {
    const double loss = lane < 3 ? loss_of(a.rig.row(a.x, 1)[lane], true, kOffset) : 0.0;
    EXPECT_NEAR(a.slot(1, lane), loss, 12 * kRounding) << lane;
  }
}

TEST(Adversarial, IsTheDerivativeOfItsLoss) {
  for (const bool real : {true, false}) {
    AdversarialRig a({5, 5, 7}, 1);
    reference::Draws draws(73);
    a.rig.fill(a.x, draws, -5, 5);
    a.run({real, false, -1, kOffset});
    for (int r = 0; r < 5; ++r)
      for (int j = 0; j < 7; ++j) {
        constexpr double kStep = 1e-5;
        const double x = a.rig.row(a.x, r)[j];
        const double slope = (loss_of(x + kStep, real, kOffset) - loss_of(x - kStep, real, kOffset)) / (2 * kStep);
        const Tolerance t{.rel = 4e-6, .why = "float32 probabilities, and central differences with h = 1e-5"};
        expect_close(a.rig.row(a.dx, r)[j], slope / 35, 1.0 / 35, t, coordinate("dx", r, j));
      }
  }
}

TEST(Adversarial, IsBoundedByTheOffsetWhereTheDiscriminatorIsSure) {
  for (const float size : {40.0f, 200.0f, 3e38f, std::numeric_limits<float>::infinity()})
    for (const bool real : {true, false}) {
      AdversarialRig a({1, 1, 2}, 1);
      a.rig.row(a.x, 0)[0] = real ? -size : size;  // sure of the wrong
      a.rig.row(a.x, 0)[1] = real ? size : -size;  // sure of the right
      a.run({real, true, -1, kOffset});
      EXPECT_NEAR(a.slot(0, 0), -std::log(1e-3), 1e-6) << size;
      EXPECT_NEAR(a.slot(0, 1), -std::log(1.001), 1e-6) << size;
      EXPECT_LE(std::fabs(a.rig.row(a.dx, 0)[0]), 1e-14f) << size;
      EXPECT_LE(std::fabs(a.rig.row(a.dx, 0)[1]), 1e-14f) << size;
    }
}

TEST(Adversarial, PushesRealLogitsUpAndMadeUpOnesDown) {
  for (const bool real : {true, false}) {
    AdversarialRig a({1, 1, 3}, 1);
    for (int j = 0; j < 3; ++j) a.rig.row(a.x, 0)[j] = static_cast<float>(2 * j - 2);
    a.run({real, true, -1, kOffset});
    for (int j = 0; j < 3; ++j) {
      EXPECT_TRUE(real ? a.rig.row(a.dx, 0)[j] < 0 : a.rig.row(a.dx, 0)[j] > 0) << j;
    }
  }
}

TEST(Adversarial, WithoutAGradientWritesSlotsOnly) {
  AdversarialRig a({8, 5, 17}, 2);
  reference::Draws draws(74);
  a.rig.fill(a.x, draws);
  a.run({true, false, -1, kOffset}, false);
  EXPECT_TRUE(std::isfinite(a.slot(9, 15)));
}

TEST(Adversarial, PassesANaNOn) {
  AdversarialRig a({2, 2, 2}, 1);
  reference::Draws draws(75);
  a.rig.fill(a.x, draws);
  a.rig.row(a.x, 1)[0] = std::numeric_limits<float>::quiet_NaN();
  a.rig.run_alone(Adversarial{a.x, a.dx, a.slots, kOffset, -1, false, true, true});
  EXPECT_TRUE(std::isnan(a.slot(1, 0)) && std::isnan(a.rig.row(a.dx, 1)[0]));
  EXPECT_TRUE(std::isfinite(a.slot(1, 1)) && std::isfinite(a.rig.row(a.dx, 1)[1]));
}

}  // namespace
}  // namespace equipoise::test
