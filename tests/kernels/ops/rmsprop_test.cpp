// tests/kernels/ops/rmsprop_test.cpp - RMSProp, with momentum, clipping and decoupled weight decay, against the double
// reference.
#include "kernels/ops/rmsprop.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/kernels/ops/update_rig.h"

namespace equipoise::test {
namespace {

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

TEST(RmsProp, ChangesNothingBehindAClosedGate) {
  UpdateRig u({84, 2, 0.9, 0.1, 0.5});
  u.draw_gradients(1.0);
  u.rig.at(u.block.gradient)[3] = NAN;
  u.rig.control().finite = 0;
  u.rig.run(u.rmsprop(), {});
}

TEST(RmsProp, OfAZeroGradientMovesNothingAndStaysFinite) {
  UpdateRig u({20, 2, 0.9, 0.0, 0.5});
  u.draw_gradients(0.0);
  const std::vector<float> before(u.rig.at(u.parameter), u.rig.at(u.parameter) + 20);
  u.step_rmsprop();
  for (int e = 0; e < 20; ++e) {
    EXPECT_EQ(u.rig.at(u.parameter)[e], before[static_cast<std::size_t>(e)]);
    EXPECT_EQ(u.rig.at(u.moment2)[e], 0.0f);
    EXPECT_EQ(u.rig.at(u.moment1)[e], 0.0f);
  }
}

TEST(RmsProp, KeepsPaddingZero) {
  UpdateRig u({8, 3, 0.9, 0.1, 0.0});
  u.draw_gradients(1.0);
  for (int lane = 0; lane < 3; ++lane) u.rig.at(u.block.gradient)[lane * u.block.lane_stride + 7] = 0.0f;
  u.rig.at(u.parameter)[7] = 0.0f;
  u.step_rmsprop();
  EXPECT_EQ(u.rig.at(u.parameter)[7], 0.0f);
  EXPECT_EQ(u.rig.at(u.moment1)[7], 0.0f);
  EXPECT_EQ(u.rig.at(u.moment2)[7], 0.0f);
}

}  // namespace
}  // namespace equipoise::test
