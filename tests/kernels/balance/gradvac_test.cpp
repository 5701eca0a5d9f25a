// tests/kernels/balance/gradvac_test.cpp - GradVac against recorded calls and against rotations of long gradients.
#include "kernels/balance/gradvac.h"

#include <gtest/gtest.h>

#include "kernels/balance/pcgrad.h"
#include "tests/kernels/balance/golden.h"
#include "tests/kernels/balance/mixing_rig.h"
#include "tests/reference/balance_methods.h"

namespace equipoise::test {
namespace {

using reference::Rows;

struct Call {
  std::vector<double> state;  // [K, K]
  bool rising = true;
  double beta = 0.5;
  StepDraws draws{31, 2, 8};
  std::vector<int32_t> task = {};
  int all_tasks = 0;
};

Mixed run(const Rows& gradients, const Call& call) {
  Method method;
  method.kind = MethodKind::gradvac;
  method.identity_order = call.rising;
  method.beta = call.beta;
  const MixingCase in{
      static_cast<int>(gradients.size()), gram_of(gradients), call.task, call.all_tasks, call.draws, call.state};
  return mix(in, [&](const auto& team, const Mixing& mixing) { mix_gradvac(team, mixing, method); });
}

std::vector<double> fresh(std::size_t tasks) { return std::vector<double>(tasks * tasks); }

TEST(GradVac, MatchesThreeRecordedCallsWhoseAveragesLiveOn) {
  int seen = 0;
  for (const Golden& golden : golden_problems()) {
    if (!golden.has("gradvac.grads")) continue;
    Call call{fresh(static_cast<std::size_t>(golden.tasks()))};
    for (int step = 0; step < 3; ++step) {
      const Rows gradients = golden.rows("gradvac.grads", step);
      const Mixed mixed = run(gradients, call);
      const double apart =
          reference::relative_difference(balanced(mixed, gradients), golden.rows("gradvac.beta0.5.calls", step));
      EXPECT_LE(apart, 1e-13) << golden.name << " call " << step;  // some K roundings of double, a few times over
      call.state = mixed.next;
    }
    ++seen;
  }
  EXPECT_EQ(seen, 8);
}

TEST(GradVac, MatchesRotationsOfTheLongGradientsInTheOrderDrawn) {
  for (const std::size_t tasks : {2u, 3u, 5u, 8u, 20u, 32u})
    for (const double pull : {-1.0, 0.0, 0.5}) {
      Call call{fresh(tasks), false, 0.3};
      Rows averages(tasks, std::vector<double>(tasks));
      for (uint32_t step = 0; step < 4; ++step) {
        call.draws.step = step;
        const Rows gradients = reference::random_gradients(100 * tasks + step, tasks, 70, pull);
        reference::Orders orders;
        std::vector<double> order(tasks);
        for (std::size_t i = 0; i < tasks; ++i) {
          task_order(call.draws, static_cast<int>(i), static_cast<int>(tasks), false, order.data());
          orders.emplace_back(order.begin(), order.end());
        }
        const Mixed mixed = run(gradients, call);
        const Rows expected = reference::gradvac(gradients, orders, call.beta, averages);
        // Up to 32 rotations of 32 terms in double, each of which may stretch the row.
        EXPECT_LE(reference::relative_difference(balanced(mixed, gradients), expected), 1e-12)
            << tasks << " tasks, pull " << pull << ", step " << step;
        for (std::size_t i = 0; i < tasks; ++i)
          for (std::size_t j = 0; j < tasks; ++j) EXPECT_NEAR(mixed.next[i * tasks + j], averages[i][j], 1e-12);
        call.state = mixed.next;
      }
    }
}

TEST(GradVac, IsPcGradWhileItsAveragesAreZero) {
  for (const std::size_t tasks : {2u, 4u, 9u}) {
    const Rows gradients = reference::random_gradients(tasks, tasks, 40, 1.0);
    Call call{fresh(tasks), false};
    MixingCase in{static_cast<int>(tasks), gram_of(gradients)};
    in.draws = call.draws;
    const Mixed projected = mix(in, [](const auto& team, const Mixing& mixing) { mix_pcgrad(team, mixing, Method{}); });
    const Mixed mixed = run(gradients, call);
    for (std::size_t i = 0; i < tasks * tasks; ++i) EXPECT_NEAR(mixed.mixing[i], projected.mixing[i], 1e-12);
  }
}

TEST(GradVac, RaisesACosineToItsAverage) {
  const Rows gradients = reference::random_gradients(3, 2, 40, 0.2);
  const Mixed mixed = run(gradients, {{0.0, 0.7, -0.9, 0.0}});
  const Rows out = balanced(mixed, gradients);
  const double cosine =
      reference::inner(out[0], gradients[1]) / reference::length(out[0]) / reference::length(gradients[1]);
  EXPECT_NEAR(cosine, 0.7, 1e-14);
  EXPECT_EQ(out[1], gradients[1]) << "a cosine above its average is left alone";
}

TEST(GradVac, KeepsTheAveragesOfPairsThatDoNotMeet) {
  const Rows gradients = reference::random_gradients(3, 2, 40, 1.0);
  std::vector<double> state(16);
  for (std::size_t i = 0; i < 16; ++i) state[i] = 0.01 * static_cast<double>(i);
  Call call{state};
  call.task = {1, 3};
  call.all_tasks = 4;
  const Mixed mixed = run(gradients, call);
  for (std::size_t i = 0; i < 16; ++i) {
    const bool meets = i == 1 * 4 + 3 || i == 3 * 4 + 1;
    EXPECT_EQ(mixed.next[i] != state[i], meets) << "pair " << i / 4 << ", " << i % 4;
  }
}

TEST(GradVac, StaysFiniteOverManyStepsOfParallelAndOppositeGradients) {
  const std::vector<double> g = {0.3, -1.7, 0.9, 0.2}, h = {1.0, 0.4, -0.2, 0.8};
  Rows gradients(6, std::vector<double>(4, 0.0));
  const double factors[6] = {1.0, 3.0, -0.7, 1e-30, -1e30, 0.0};
  for (std::size_t i = 0; i < 5; ++i) reference::add_scaled(gradients[i], factors[i], g);
  gradients[5] = h;
  Call call{fresh(6), false};
  for (uint32_t step = 0; step < 200; ++step) {
    call.draws.step = step;
    const Mixed mixed = run(gradients, call);
    for (const double v : mixed.mixing) ASSERT_TRUE(std::isfinite(v)) << "step " << step;
    for (std::size_t i = 0; i < 36; ++i) ASSERT_LE(std::fabs(mixed.next[i]), 1.0) << "step " << step;
    call.state = mixed.next;
  }
}

TEST(GradVac, GivesGradientsThatCancelNoDirection) {
  // -g met first leaves nothing of g; the average of the pair with h, which it meets then, must not learn from noise.
  const Rows gradients = {{0.3, -1.7, 0.9}, {-0.3, 1.7, -0.9}, {1.0, 0.4, -0.2}};
  std::vector<double> state = fresh(3);
  state[0 * 3 + 2] = 0.25;
  const Mixed mixed = run(gradients, {state});
  EXPECT_EQ(mixed.next[0 * 3 + 2], 0.25);
  EXPECT_DOUBLE_EQ(mixed.next[0 * 3 + 1], -0.5);
  const Rows out = balanced(mixed, gradients);
  for (const double v : out[0]) EXPECT_NEAR(v, 0.0, 1e-15);
}

TEST(GradVac, LeavesAPairWhoseAverageIsOneAlone) {
  const Rows gradients = reference::random_gradients(9, 2, 30, 1.0);
  const Mixed mixed = run(gradients, {{0.0, 1.0, 1.0, 0.0}});
  EXPECT_EQ(mixed.mixing, (std::vector<double>{1.0, 0.0, 0.0, 1.0}));
  EXPECT_LT(mixed.next[1], 1.0);
}

TEST(GradVac, IsIndifferentToTheUnitOfTheGradients) {
  Rows gradients = reference::random_gradients(4, 5, 30, 1.0);
  const Call call{std::vector<double>(25, 0.2)};
  const Mixed before = run(gradients, call);
  for (Rows::value_type& row : gradients)
    for (double& v : row) v *= 0x1p-90;
  const Mixed after = run(gradients, call);
  EXPECT_EQ(before.mixing, after.mixing);
  EXPECT_EQ(before.next, after.next);
}

}  // namespace
}  // namespace equipoise::test
