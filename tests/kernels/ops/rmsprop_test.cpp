// tests/kernels/ops/rmsprop_test.cpp - RMSProp and gradient descent, with momentum, clipping and decoupled weight
// decay, against the double references.
#include "kernels/ops/rmsprop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include "tests/kernels/harness.h"
#include "tests/reference/adam.h"
#include "tests/reference/rmsprop.h"
#include "tests/reference/sgd.h"

namespace equipoise::test {
namespace {

struct UpdateCase {
  int count, lanes;
  double momentum, weight_decay, clip_norm;
};

/// A block of parameters with its gradients in a rig, and the reference's copy of them.
struct UpdateRig {
  explicit UpdateRig(const UpdateCase& s) : shape(s), rig(1), value(1, s.count) {
    Settings& settings = rig.settings;
    settings.lr = 3e-3;
    settings.smoothing = 0.9;
    settings.momentum = s.momentum;
    settings.weight_decay = s.weight_decay;
    settings.clip_norm = s.clip_norm;
    rig.control().finite = 1;
    for (int k = 0; k < s.lanes; ++k) rig.control().shared_weights[k] = weight(k);
    block = GradientBlock{rig.floats(s.lanes * (s.count + 4)), s.count + 4, s.lanes, {}, {}, s.count, 0.5f, true};
    std::fill(std::begin(block.route), std::end(block.route), 1.0f);
    for (int k = 0; k < s.lanes; ++k) block.task[k] = static_cast<int8_t>(k);
    parameter = rig.floats(s.count);
    moment1 = rig.floats(s.count);
    moment2 = rig.floats(s.count);
    rig.fill(parameter, s.count, draws);
    for (int e = 0; e < s.count; ++e) {
      rig.at(moment1)[e] = rig.at(moment2)[e] = 0.0f;
      value.at(0, e) = rig.at(parameter)[e];
    }
  }
  static double weight(int lane) { return 0.4 + 0.6 * lane; }
  /// New gradients, and the reference's clipped total of them; they lie in [size / 4, size], so that no lanes cancel.
  void draw_gradients(double size) {
    total = reference::Matrix(1, shape.count);
    for (int lane = 0; lane < shape.lanes; ++lane) {
      const Place from{block.gradient.offset + lane * block.lane_stride, block.gradient.space};
      rig.fill(from, shape.count, draws, size / 4, size);
      for (int e = 0; e < shape.count; ++e) {
        if (e % 3 == 0) rig.at(from)[e] = -rig.at(from)[e];
        total.at(0, e) += 0.5 * weight(lane) * rig.at(from)[e];
      }
    }
    reference::GradientByName one{{"block", total}};
    rig.control().gradient_norm = reference::clip_global_norm(one, shape.clip_norm);
    total = one.at("block");
  }
  std::vector<Written> writes(bool squares) const {
    std::vector<Written> all{Rig::written_floats(parameter, shape.count), Rig::written_floats(moment1, shape.count)};
    if (squares) all.push_back(Rig::written_floats(moment2, shape.count));
    return all;
  }
  RmsProp rmsprop() const { return {block, parameter, moment1, moment2}; }
  Sgd sgd() const { return {block, parameter, moment1}; }
  void step_rmsprop() {
    rig.run(rmsprop(), writes(true));
    const Settings& s = rig.settings;
    reference::rmsprop_step(value, total, moments, {s.lr, s.smoothing, s.eps, s.momentum, s.weight_decay});
  }
  void step_sgd() {
    rig.run(sgd(), writes(false));
    const Settings& s = rig.settings;
    reference::sgd_step(value, total, velocity, {s.lr, s.momentum, s.weight_decay});
  }

  UpdateCase shape;
  Rig rig;
  GradientBlock block{};
  Place parameter{}, moment1{}, moment2{};
  reference::Draws draws{111};
  reference::Matrix value, total;
  std::vector<reference::RmsPropMoments> moments;
  std::vector<double> velocity;
};

constexpr int kSteps = 5;
constexpr Tolerance kState{.rel = 40 * kRounding, .why = "five lanes and five steps of a few roundings, none cancels"};
constexpr Tolerance kParameter{
    .rel = 40 * kRounding, .why = "three roundings a step of a number of about 1, and a small share of the state's"};

std::string name_of(const UpdateCase& s, int step, int e) {
  return std::to_string(s.count) + " parameters in " + std::to_string(s.lanes) + " lanes, step " +
         std::to_string(step) + ", element " + std::to_string(e);
}

void expect_rmsprop(const UpdateCase& s, double size = 1.0) {
  UpdateRig u(s);
  for (int t = 0; t < kSteps; ++t) {
    u.draw_gradients(size);
    u.step_rmsprop();
    for (int e = 0; e < s.count; ++e) {
      const reference::RmsPropMoments& m = u.moments[static_cast<std::size_t>(e)];
      const std::string where = name_of(s, t, e);
      expect_close(u.rig.at(u.moment2)[e], m.mean_square, m.mean_square, kState, where + ", mean square");
      expect_close(u.rig.at(u.moment1)[e], m.velocity, std::fabs(m.velocity), kState, where + ", momentum");
      expect_close(u.rig.at(u.parameter)[e], u.value.at(0, e), 1.0, kParameter, where + ", parameter");
    }
  }
}

void expect_sgd(const UpdateCase& s, double size = 1.0) {
  UpdateRig u(s);
  for (int t = 0; t < kSteps; ++t) {
    u.draw_gradients(size);
    u.step_sgd();
    for (int e = 0; e < s.count; ++e) {
      const double velocity = u.velocity[static_cast<std::size_t>(e)];
      const std::string where = name_of(s, t, e);
      expect_close(u.rig.at(u.moment1)[e], velocity, std::fabs(velocity), kState, where + ", momentum");
      expect_close(u.rig.at(u.parameter)[e], u.value.at(0, e), 1.0, kParameter, where + ", parameter");
    }
  }
}

TEST(RmsProp, TakesTheReferencesStepsForEveryLengthAndNumberOfLanes) {
  for (int lanes = 1; lanes <= 5; ++lanes)
    for (int count : {4, 20, 84, 300, 2624}) expect_rmsprop({count, lanes, 0.0, 0.0, 0.0});
}

TEST(RmsProp, CarriesItsMomentumOn) { expect_rmsprop({84, 2, 0.9, 0.0, 0.0}); }

TEST(RmsProp, DecaysWeightsApartFromTheGradient) { expect_rmsprop({84, 2, 0.5, 0.1, 0.0}); }

TEST(RmsProp, ClipsByTheGlobalNormAboveTheBoundOnly) {
  expect_rmsprop({84, 2, 0.0, 0.0, 0.5});
  expect_rmsprop({84, 2, 0.0, 0.0, 1e6});
  expect_rmsprop({84, 2, 0.9, 0.05, 0.5}, 1e4);
}

TEST(RmsProp, AddsEpsToTheRootSoThatTinyGradientsMakeTinySteps) {
  expect_rmsprop({84, 2, 0.0, 0.0, 0.0}, 1e-8);
  UpdateRig u({4, 1, 0.0, 0.0, 0.0});
  u.draw_gradients(1e-8);
  u.step_rmsprop();
  // g is at most 0.2e-8, so g / (sqrt(0.1) g + 1e-8) is far below the 1 / sqrt(0.1) of large gradients.
  for (int e = 0; e < 4; ++e) EXPECT_LT(std::fabs(u.rig.at(u.moment1)[e]), 0.2f) << e;
}

TEST(RmsProp, FirstMovesEveryParameterByTheRateOverTheRootOfTheNewSquaresShare) {
  UpdateRig u({20, 1, 0.0, 0.0, 0.0});
  u.rig.settings.smoothing = 0.99;
  u.draw_gradients(1.0);
  const std::vector<float> before(u.rig.at(u.parameter), u.rig.at(u.parameter) + 20);
  u.step_rmsprop();
  for (std::size_t e = 0; e < 20; ++e) {
    const double moved = double{u.rig.at(u.parameter)[e]} - before[e];
    EXPECT_NEAR(moved, (e % 3 == 0 ? 1 : -1) * 3e-3 / 0.1, 1e-6) << e;  // lr / sqrt(1 - 0.99)
  }
}

TEST(Sgd, TakesTheReferencesStepsForEveryLengthAndNumberOfLanes) {
  for (int lanes = 1; lanes <= 5; ++lanes)
    for (int count : {4, 20, 84, 300, 2624}) expect_sgd({count, lanes, 0.0, 0.0, 0.0});
}

TEST(Sgd, CarriesItsMomentumOn) { expect_sgd({84, 2, 0.9, 0.0, 0.0}); }

TEST(Sgd, DecaysWeightsApartFromTheGradient) { expect_sgd({84, 2, 0.5, 0.1, 0.0}); }

TEST(Sgd, ClipsByTheGlobalNormAboveTheBoundOnly) {
  expect_sgd({84, 2, 0.0, 0.0, 0.5});
  expect_sgd({84, 2, 0.0, 0.0, 1e6});
  expect_sgd({84, 2, 0.9, 0.05, 0.5}, 1e4);
}

TEST(Sgd, MovesByTheRateTimesTheClippedGradient) {
  UpdateRig u({4, 1, 0.0, 0.0, 1e-6});
  u.draw_gradients(1.0);
  u.rig.control().gradient_norm = 3e-6;
  u.rig.run(u.sgd(), u.writes(false));
  for (int e = 0; e < 4; ++e) {
    const double g = 0.5 * 0.4 * u.rig.at(u.block.gradient)[e];
    EXPECT_NEAR(u.rig.at(u.moment1)[e], 0.25 * g, 1e-7) << e;  // 1e-6 / (3e-6 + 1e-6)
    EXPECT_NEAR(u.rig.at(u.parameter)[e], u.value.at(0, e) - 3e-3 * 0.25 * g, 1e-7) << e;
  }
}

TEST(Updates, ChangeNothingBehindAClosedGate) {
  UpdateRig u({84, 2, 0.9, 0.1, 0.5});
  u.draw_gradients(1.0);
  u.rig.at(u.block.gradient)[3] = NAN;
  u.rig.control().finite = 0;
  u.rig.run(u.rmsprop(), {});
  u.rig.run(u.sgd(), {});
}

TEST(Updates, OfAZeroGradientMoveNothingAndStayFinite) {
  UpdateRig u({20, 2, 0.9, 0.0, 0.5});
  u.draw_gradients(0.0);
  const std::vector<float> before(u.rig.at(u.parameter), u.rig.at(u.parameter) + 20);
  u.step_rmsprop();
  u.step_sgd();
  for (int e = 0; e < 20; ++e) {
    EXPECT_EQ(u.rig.at(u.parameter)[e], before[static_cast<std::size_t>(e)]);
    EXPECT_EQ(u.rig.at(u.moment2)[e], 0.0f);
    EXPECT_EQ(u.rig.at(u.moment1)[e], 0.0f);
  }
}

TEST(Updates, TakeALaneWithTheCoefficientOfItsRoute) {
  UpdateRig u({20, 2, 0.0, 0.0, 0.0});
  u.draw_gradients(1.0);
  u.block.route[0] = 0.0f;
  u.block.route[1] = -2.0f;
  u.rig.run(u.sgd(), u.writes(false));
  for (int e = 0; e < 20; ++e) {
    const double g = 0.5 * -2.0 * 1.0 * u.rig.at(u.block.gradient)[u.block.lane_stride + e];
    EXPECT_NEAR(u.rig.at(u.moment1)[e], g, 4 * kRounding) << e;
  }
}

TEST(Updates, KeepPaddingZero) {
  UpdateRig u({8, 3, 0.9, 0.1, 0.0});
  u.draw_gradients(1.0);
  for (int lane = 0; lane < 3; ++lane) u.rig.at(u.block.gradient)[lane * u.block.lane_stride + 7] = 0.0f;
  u.rig.at(u.parameter)[7] = 0.0f;
  u.step_rmsprop();
  u.step_sgd();
  EXPECT_EQ(u.rig.at(u.parameter)[7], 0.0f);
  EXPECT_EQ(u.rig.at(u.moment1)[7], 0.0f);
  EXPECT_EQ(u.rig.at(u.moment2)[7], 0.0f);
}

}  // namespace
}  // namespace equipoise::test
