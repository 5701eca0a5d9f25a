// tests/kernels/ops/gradient_norm_test.cpp - total gradients, their norm, and the gate before every update.
#include "kernels/ops/gradient_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/ops/join.h"
#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Total gradients of blocks with these counts; lane 0 of odd blocks is already weighted; `route` gives each lane's
/// coefficient of the routing table.
template <class Route>
std::vector<double> squares(Rig& rig, const std::vector<int>& counts, int lanes, Route&& route,
                            std::vector<double>& expected) {
  reference::Draws draws(101);
  const double weights[] = {1.4, 3.0, 0.3, 0.8, 2.0};
  for (int k = 0; k < 5; ++k) rig.control().shared_weights[k] = weights[k];
  std::vector<double> sums;
  for (std::size_t b = 0; b < counts.size(); ++b) {
    const int count = counts[b], stride = count + 4;
    GradientBlock block{rig.floats(lanes * stride), stride, lanes, {}, {}, count, 0.5f, true};
    for (int lane = 0; lane < kMaxRoutes; ++lane) block.route[lane] = route(lane);
    double sum = 0;
    std::vector<double> total(static_cast<std::size_t>(count), 0.0);
    for (int lane = 0; lane < lanes; ++lane) {
      block.task[lane] = static_cast<int8_t>(lane == 0 && b % 2 == 1 ? -1 : lane);
      const Place from{block.gradient.offset + lane * stride, block.gradient.space};
      rig.fill(from, count, draws);
      for (int e = 0; e < count; ++e)
        total[static_cast<std::size_t>(e)] +=
            0.5 * double{block.route[lane]} * (block.task[lane] < 0 ? 1.0 : weights[lane]) * rig.at(from)[e];
    }
    for (double g : total) sum += g * g;
    expected.push_back(sum);

    const int slot_count = flat_slots(count);
    Place slots = rig.doubles(slot_count);
    rig.run(GradientSquares{block, slots}, {Rig::written_doubles(slots, slot_count)});
    for (int level = 0, left = slot_count; left > 1; ++level) {
      left = divide_up(left, kJoin);
      const Place to = rig.doubles(left);
      rig.run(Join{slots, to, 1, slot_count, level, false}, {Rig::written_doubles(to, left)});
      slots = to;
    }
    sums.push_back(rig.double_at(slots, 0));
  }
  return sums;
}

TEST(GradientSquares, SumTheSquaresOfTheWeightedLanes) {
  for (int lanes = 1; lanes <= 5; ++lanes)
    for (int count : {4, 20, 84, 256, 300, 2624}) {
      Rig rig(1);
      std::vector<double> expected;
      const std::vector<double> got = squares(
          rig, {count, count}, lanes, [](int) { return 1.0f; }, expected);
      const Tolerance t{.rel = 16 * kRounding,
                        .why = "each total is a rounded weight and one rounding a lane, squared"};
      for (std::size_t b = 0; b < got.size(); ++b)
        // Lanes may cancel, so the scale is that of the lanes, which are as large as the sum of squares of uniforms.
        expect_close(got[b], expected[b], expected[b] + lanes * count, t,
                     std::to_string(lanes) + " lanes of " + std::to_string(count));
    }
}

TEST(GradientSquares, TakeEveryLaneWithTheCoefficientOfItsRoute) {
  const float routes[] = {0.1f, -2.5f, 0.0f, 1.0f, 3.0f};
  for (int lanes = 1; lanes <= 5; ++lanes) {
    Rig rig(1);
    std::vector<double> expected;
    const auto route = [&](int lane) { return lane < 5 ? routes[lane] : NAN; };
    const std::vector<double> got = squares(rig, {300, 300}, lanes, route, expected);
    const Tolerance t{.rel = 20 * kRounding,
                      .why = "each total is a weight of two roundings and one rounding a lane, squared"};
    // Lanes weigh up to 7.5 / 2 and may cancel: the scale is the sum of the squares of what is added.
    for (std::size_t b = 0; b < got.size(); ++b)
      expect_close(got[b], expected[b], expected[b] + 14.0 * lanes * 300, t, std::to_string(lanes) + " lanes");
  }
}

TEST(GradientBlock, WeighsALaneByItsRouteItsTaskAndWhetherItIsShared) {
  Rig rig(1);
  GradientBlock block{{}, 0, 20, {}, {}, 4, 0.5f, true};
  for (int lane = 0; lane < 20; ++lane) block.task[lane] = static_cast<int8_t>(lane);
  block.task[3] = -1;
  for (int lane = 0; lane < kMaxRoutes; ++lane) block.route[lane] = 2.0f + static_cast<float>(lane);
  Control& k = rig.control();
  for (int i = 0; i < 20; ++i) k.shared_weights[i] = 8.0, k.private_weights[i] = 4.0;
  EXPECT_EQ(block.weight(k, 2), 0.5f * 4 * 8);
  EXPECT_EQ(block.weight(k, 3), 0.5f * 5) << "no task's weight";
  EXPECT_EQ(block.weight(k, kMaxRoutes - 1), 0.5f * (kMaxRoutes + 1) * 8);
  EXPECT_EQ(block.weight(k, kMaxRoutes), 0.5f * 8) << "lanes beyond the routes have a coefficient of 1";
  block.shared = false;
  EXPECT_EQ(block.weight(k, 2), 0.5f * 4 * 4);
}

struct Gate {
  std::vector<double> sums, losses;
};

Control control_after(const Gate& gate, BadKind earlier = BadKind::none) {
  Rig rig(1);
  const int blocks = static_cast<int>(gate.sums.size()), tasks = static_cast<int>(gate.losses.size());
  const Place sums = rig.doubles(blocks);
  for (int b = 0; b < blocks; ++b) rig.set_double(sums, b, gate.sums[static_cast<std::size_t>(b)]);
  for (int i = 0; i < tasks; ++i) rig.control().losses[i] = gate.losses[static_cast<std::size_t>(i)];
  rig.control().step = 17;
  rig.control().finite = -1;
  rig.control().bad_kind = earlier;
  rig.control().bad_index = earlier == BadKind::none ? 0 : 9;
  rig.control().bad_step = earlier == BadKind::none ? 0 : 3;
  rig.run(FiniteGate{sums, blocks, tasks}, {});
  return rig.control();
}

TEST(FiniteGate, OpensForFiniteLossesAndGradientsAndGivesTheNorm) {
  const Control k = control_after({{9.0, 0.0, 16.0}, {1.0, -2.0, 0.0}});
  EXPECT_EQ(k.finite, 1);
  EXPECT_EQ(k.gradient_norm, 5.0);
  EXPECT_EQ(k.bad_kind, BadKind::none);
}

TEST(FiniteGate, ClosesForOneBadValueAnywhere) {
  for (double bad : {kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()})
    for (int at = 0; at < 5; ++at) {
      Gate gate{{9.0, 16.0}, {1.0, 2.0, 3.0}};
      (at < 2 ? gate.sums[static_cast<std::size_t>(at)] : gate.losses[static_cast<std::size_t>(at - 2)]) = bad;
      const Control k = control_after(gate);
      EXPECT_EQ(k.finite, 0) << at;
      EXPECT_EQ(k.bad_kind, at < 2 ? BadKind::gradient : BadKind::loss) << at;
      EXPECT_EQ(k.bad_index, at < 2 ? at : at - 2) << at;
      EXPECT_EQ(k.bad_step, 17) << at;
    }
}

TEST(FiniteGate, NamesALossBeforeAGradientAndTheLowestOfEither) {
  const Control loss = control_after({{NAN, NAN}, {1.0, NAN, NAN}});
  EXPECT_EQ(loss.bad_kind, BadKind::loss);
  EXPECT_EQ(loss.bad_index, 1);
  const Control gradient = control_after({{1.0, NAN, NAN}, {1.0, 1.0}});
  EXPECT_EQ(gradient.bad_kind, BadKind::gradient);
  EXPECT_EQ(gradient.bad_index, 1);
}

TEST(FiniteGate, RemembersTheFirstBadStepWhateverComesLater) {
  const Control k = control_after({{1.0}, {NAN}}, BadKind::gradient);
  EXPECT_EQ(k.finite, 0);
  EXPECT_EQ(k.bad_kind, BadKind::gradient);
  EXPECT_EQ(k.bad_index, 9);
  EXPECT_EQ(k.bad_step, 3);
  EXPECT_EQ(control_after({{1.0}, {1.0}}, BadKind::gradient).finite, 1);
}

TEST(FiniteGate, ClosesBeforeAdamsFloatSquaresOverflow) {
  EXPECT_EQ(control_after({{0.99 * kLargestSquare}, {1.0}}).finite, 1);
  const Control k = control_after({{1.0, kLargestSquare}, {1.0}});
  EXPECT_EQ(k.finite, 0);
  EXPECT_EQ(k.bad_index, 1);
  EXPECT_LT(kLargestSquare, double{std::numeric_limits<float>::max()});
}

}  // namespace
}  // namespace equipoise::test
