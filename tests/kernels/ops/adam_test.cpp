// tests/kernels/ops/adam_test.cpp - Adam with clipping and decoupled weight decay against the double reference.
#include "kernels/ops/adam.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "tests/kernels/harness.h"
#include "tests/reference/adam.h"

namespace equipoise::test {
namespace {

struct AdamCase {
  int count, lanes;
  double weight_decay, clip_norm;
};

/// A block of parameters in a rig, and the reference's copy of it.
struct AdamRig {
  explicit AdamRig(const AdamCase& s)
      : shape(s), rig(1), value(1, s.count), moments(static_cast<std::size_t>(s.count)) {
    Settings& settings = rig.settings;
    settings.lr = 3e-3;
    settings.beta1 = 0.9;
    settings.beta2 = 0.99;
    settings.weight_decay = s.weight_decay;
    settings.clip_norm = s.clip_norm;
    reference_settings = {settings.lr, settings.beta1, settings.beta2, settings.eps, settings.weight_decay};
    rig.control().finite = 1;
    rig.control().beta1_power = rig.control().beta2_power = 1.0;
    for (int k = 0; k < s.lanes; ++k) rig.control().shared_weights[k] = 0.4 + 0.6 * k;
    op.block = GradientBlock{rig.floats(s.lanes * (s.count + 4)), s.count + 4, s.lanes, {}, {}, s.count, 0.5f, true};
    std::fill(std::begin(op.block.route), std::end(op.block.route), 1.0f);
    for (int k = 0; k < s.lanes; ++k) op.block.task[k] = static_cast<int8_t>(k);
    op.parameter = rig.floats(s.count);
    op.moment1 = rig.floats(s.count);
    op.moment2 = rig.floats(s.count);
    op.factors = rig.floats(kAdamNumbers);
    rig.fill(op.parameter, s.count, draws);
    for (int e = 0; e < s.count; ++e) {
      rig.at(op.moment1)[e] = rig.at(op.moment2)[e] = 0.0f;
      value.at(0, e) = rig.at(op.parameter)[e];
    }
  }
  std::vector<Written> writes() const {
    return {Rig::written_floats(op.parameter, shape.count), Rig::written_floats(op.moment1, shape.count),
            Rig::written_floats(op.moment2, shape.count)};
  }
  /// New gradients, and the reference's total of them with its norm; gradients are up to `size`.
  void draw_gradients(double size) {
    total = reference::Matrix(1, shape.count);
    for (int lane = 0; lane < shape.lanes; ++lane) {
      const Place from{op.block.gradient.offset + lane * op.block.lane_stride, op.block.gradient.space};
      rig.fill(from, shape.count, draws, -size, size);
      for (int e = 0; e < shape.count; ++e) total.at(0, e) += 0.5 * (0.4 + 0.6 * lane) * rig.at(from)[e];
    }
    reference::GradientByName one{{"block", total}};
    rig.control().gradient_norm = reference::clip_global_norm(one, shape.clip_norm);
    total = one.at("block");
  }
  void step() {
    rig.run(AdamFactors{op.factors}, {Rig::written_floats(op.factors, kAdamNumbers)});
    rig.run(op, writes());
    rig.control().beta1_power *= rig.settings.beta1;
    rig.control().beta2_power *= rig.settings.beta2;
    reference::adam_step(value, total, moments, reference_settings);
  }

  AdamCase shape;
  Rig rig;
  Adam op{};
  reference::Draws draws{111};
  reference::AdamSettings reference_settings;
  reference::Matrix value, total;
  std::vector<reference::AdamMoments> moments;
};

void expect_steps(const AdamCase& s, double size) {
  AdamRig a(s);
  constexpr int kSteps = 5;
  for (int t = 0; t < kSteps; ++t) {
    a.draw_gradients(size);
    a.step();
    const std::string where = std::to_string(s.count) + " parameters, step " + std::to_string(t);
    const Tolerance moment{.rel = 64 * kRounding,
                           .why = "up to 5 lanes and 5 steps of a few roundings each, lanes may cancel"};
    const Tolerance update{.rel = 2e-5, .why = "a step whose gradient lost bits where lanes cancel, of at most 2 lr"};
    double largest = 0;
    for (double g : a.total.values) largest = std::max(largest, std::fabs(g));
    for (int e = 0; e < s.count; ++e) {
      const auto i = static_cast<std::size_t>(e);
      expect_close(a.rig.at(a.op.moment1)[e], a.moments[i].first, largest, moment, where + coordinate(" m", 0, e));
      expect_close(a.rig.at(a.op.moment2)[e], a.moments[i].second, largest * largest, moment,
                   where + coordinate(" v", 0, e));
      expect_close(a.rig.at(a.op.parameter)[e], a.value.at(0, e),
                   2 * (t + 1) * a.rig.settings.lr + std::fabs(a.value.at(0, e)) * 8e-2, update,
                   where + coordinate(" p", 0, e));
    }
  }
}

TEST(Adam, TakesTheReferencesStepsForEveryLengthAndNumberOfLanes) {
  for (int lanes = 1; lanes <= 5; ++lanes)
    for (int count : {4, 20, 84, 300, 2624}) expect_steps({count, lanes, 0.0, 0.0}, 1.0);
}

TEST(Adam, DecaysWeightsApartFromTheGradient) { expect_steps({84, 2, 0.1, 0.0}, 1.0); }

TEST(Adam, ClipsByTheGlobalNormAboveTheBoundOnly) {
  expect_steps({84, 2, 0.0, 0.5}, 1.0);
  expect_steps({84, 2, 0.0, 1e6}, 1.0);
  expect_steps({84, 2, 0.05, 0.5}, 1e4);
}

TEST(Adam, ClipsByTheNormAndAMillionth) {
  AdamRig a({20, 1, 0.0, 1e-6});
  a.draw_gradients(1.0);
  a.rig.control().gradient_norm = 3e-6;
  a.step();
  for (int e = 0; e < 20; ++e) {
    const float g = 0.5f * static_cast<float>(a.rig.control().shared_weights[0]) * a.rig.at(a.op.block.gradient)[e];
    EXPECT_FLOAT_EQ(a.rig.at(a.op.moment1)[e], 0.1f * 0.25f * g) << e;  // 1e-6 / (3e-6 + 1e-6)
  }
}

TEST(Adam, ChangesNothingBehindAClosedGate) {
  AdamRig a({84, 2, 0.1, 0.5});
  a.draw_gradients(1.0);
  a.rig.at(a.op.block.gradient)[3] = NAN;
  a.rig.control().finite = 0;
  a.rig.run(a.op, {});
}

TEST(Adam, OfAZeroGradientMovesNothingAndStaysFinite) {
  AdamRig a({20, 2, 0.0, 0.5});
  a.draw_gradients(0.0);
  std::vector<float> before(a.rig.at(a.op.parameter), a.rig.at(a.op.parameter) + 20);
  a.step();
  for (int e = 0; e < 20; ++e) {
    EXPECT_EQ(a.rig.at(a.op.parameter)[e], before[static_cast<std::size_t>(e)]);
    EXPECT_EQ(a.rig.at(a.op.moment2)[e], 0.0f);
  }
}

TEST(Adam, KeepsPaddingZero) {
  AdamRig a({8, 3, 0.1, 0.0});
  a.draw_gradients(1.0);
  for (int lane = 0; lane < 3; ++lane) a.rig.at(a.op.block.gradient)[lane * a.op.block.lane_stride + 7] = 0.0f;
  a.rig.at(a.op.parameter)[7] = 0.0f;
  a.step();
  EXPECT_EQ(a.rig.at(a.op.parameter)[7], 0.0f);
  EXPECT_EQ(a.rig.at(a.op.moment1)[7], 0.0f);
}

}  // namespace
}  // namespace equipoise::test
