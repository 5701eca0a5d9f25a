// tests/kernels/ops/sgd_test.cpp - gradient descent, with momentum, clipping and decoupled weight decay, against the
// double reference.
#include "kernels/ops/sgd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/kernels/ops/update_rig.h"

namespace equipoise::test {
namespace {

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

TEST(Sgd, ChangesNothingBehindAClosedGate) {
  UpdateRig u({84, 2, 0.9, 0.1, 0.5});
  u.draw_gradients(1.0);
  u.rig.at(u.block.gradient)[3] = NAN;
  u.rig.control().finite = 0;
  u.rig.run(u.sgd(), {});
}

TEST(Sgd, OfAZeroGradientMovesNothingAndStaysFinite) {
  UpdateRig u({20, 2, 0.9, 0.0, 0.5});
  u.draw_gradients(0.0);
  const std::vector<float> before(u.rig.at(u.parameter), u.rig.at(u.parameter) + 20);
  u.step_sgd();
  for (int e = 0; e < 20; ++e) {
    EXPECT_EQ(u.rig.at(u.parameter)[e], before[static_cast<std::size_t>(e)]);
    EXPECT_EQ(u.rig.at(u.moment2)[e], 0.0f);
    EXPECT_EQ(u.rig.at(u.moment1)[e], 0.0f);
  }
}

TEST(Sgd, KeepsPaddingZero) {
  UpdateRig u({8, 3, 0.9, 0.1, 0.0});
  u.draw_gradients(1.0);
  for (int lane = 0; lane < 3; ++lane) u.rig.at(u.block.gradient)[lane * u.block.lane_stride + 7] = 0.0f;
  u.rig.at(u.parameter)[7] = 0.0f;
  u.step_sgd();
  EXPECT_EQ(u.rig.at(u.parameter)[7], 0.0f);
  EXPECT_EQ(u.rig.at(u.moment1)[7], 0.0f);
  EXPECT_EQ(u.rig.at(u.moment2)[7], 0.0f);
}

TEST(Sgd, TakesALaneWithTheCoefficientOfItsRoute) {
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

}  // namespace
}  // namespace equipoise::test
