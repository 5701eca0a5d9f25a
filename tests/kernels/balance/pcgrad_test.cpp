// tests/kernels/balance/pcgrad_test.cpp - PCGrad against recorded problems and against projections of long gradients.
#include "kernels/balance/pcgrad.h"

#include <gtest/gtest.h>

#include "tests/kernels/balance/golden.h"
#include "tests/kernels/balance/mixing_rig.h"
#include "tests/reference/balance_methods.h"

namespace equipoise::test {
namespace {

using reference::Rows;

constexpr StepDraws kDraws{17, 3, 21};

Mixed run(const Rows& gradients, bool rising = true, const StepDraws& draws = kDraws) {
  Method method;
  method.kind = MethodKind::pcgrad;
  method.identity_order = rising;
  MixingCase in{static_cast<int>(gradients.size()), gram_of(gradients)};
  in.draws = draws;
  return mix(in, [&](const auto& team, const Mixing& mixing) { mix_pcgrad(team, mixing, method); });
}

/// The orders that the kernel draws.
reference::Orders drawn_orders(std::size_t tasks) {
  reference::Orders orders;
  std::vector<double> order(tasks);
  for (std::size_t i = 0; i < tasks; ++i) {
    task_order(kDraws, static_cast<int>(i), static_cast<int>(tasks), false, order.data());
    orders.emplace_back(order.begin(), order.end());
  }
  return orders;
}

TEST(PcGrad, MatchesTheRecordedProblems) {
  int seen = 0;
  for (const Golden& golden : golden_problems()) {
    if (!golden.has("pcgrad.identity_order") || golden.tasks() < 2) continue;
    const Rows gradients = golden.rows("grads");
    const double apart =
        reference::relative_difference(balanced(run(gradients), gradients), golden.rows("pcgrad.identity_order"));
    EXPECT_LE(apart, 1e-13) << golden.name;  // some K roundings of double, a few times over
    ++seen;
  }
  EXPECT_EQ(seen, 11);
}

TEST(PcGrad, MatchesProjectionsOfTheLongGradientsInTheOrderDrawn) {
  for (std::size_t tasks : {2u, 3u, 5u, 8u, 20u, 32u})
    for (const double pull : {0.0, 0.3, 2.0}) {
      const Rows gradients = reference::random_gradients(tasks + 7, tasks, 60, pull);
      const Rows expected = reference::pcgrad(gradients, drawn_orders(tasks));
      const double apart = reference::relative_difference(balanced(run(gradients, false), gradients), expected);
      EXPECT_LE(apart, 1e-12) << tasks << " tasks, pull " << pull;  // up to 32 projections of 32 terms in double
    }
}

TEST(PcGrad, LeavesGradientsThatDoNotConflictAlone) {
  const Mixed mixed = run(reference::random_gradients(5, 6, 40, -3.0));
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j) EXPECT_EQ(mixed.at(i, j, 6), i == j ? 1.0 : 0.0);
}

TEST(PcGrad, LeavesNothingOfTwoOppositeGradients) {
  const Rows out = balanced(run({{1.0, -2.0, 0.5}, {-2.0, 4.0, -1.0}}), {{1.0, -2.0, 0.5}, {-2.0, 4.0, -1.0}});
  for (const std::vector<double>& row : out)
    for (const double v : row) EXPECT_EQ(v, 0.0);
}

TEST(PcGrad, MakesEachOfTwoConflictingGradientsOrthogonalToTheOther) {
  for (const double scale : {1e-30, 1.0, 1e30}) {
    Rows gradients = reference::random_gradients(11, 2, 30, 2.0);
    for (double& v : gradients[1]) v *= scale;
    const Rows out = balanced(run(gradients), gradients);
    for (std::size_t i = 0; i < 2; ++i) {
      const std::vector<double>&own = out[i], &other = gradients[1 - i];
      EXPECT_GT(reference::length(own), 0.1 * reference::length(gradients[i]));
      const double cosine = reference::inner(own, other) / reference::length(own) / reference::length(other);
      EXPECT_LE(std::fabs(cosine), 1e-14) << "scale " << scale;  // a dot product of 30 terms in double
    }
  }
}

TEST(PcGrad, IsIndifferentToTheUnitOfTheGradients) {
  Rows gradients = reference::random_gradients(4, 5, 30, 1.0);
  const Mixed before = run(gradients);
  for (Rows::value_type& row : gradients)
    for (double& v : row) v *= 0x1p90;
  const Mixed after = run(gradients);
  EXPECT_EQ(before.mixing, after.mixing);
}

TEST(PcGrad, DrawsAnotherOrderEachStep) {
  const Rows gradients = reference::random_gradients(2, 6, 40, 1.0);
  EXPECT_NE(run(gradients, false, {1, 0, 0}).mixing, run(gradients, false, {1, 0, 1}).mixing);
  EXPECT_EQ(run(gradients, true, {1, 0, 0}).mixing, run(gradients, true, {1, 0, 1}).mixing);
}

TEST(PcGrad, KeysTheOrderByTheTasksOwnNumber) {
  // Task 4 draws as itself, though it is the second of those that take part.
  const StepDraws draws{23, 0, 9};
  std::vector<double> as_itself(7), as_second(7);
  task_order(draws, 4, 7, false, as_itself.data());
  task_order(draws, 1, 7, false, as_second.data());
  ASSERT_NE(as_itself, as_second);
  const Rows gradients = reference::random_gradients(8, 7, 40, 1.0);
  MixingCase in{7, gram_of(gradients), {0, 4, 5, 6, 7, 8, 9}, 10, draws};
  Method method;
  const Mixed mixed = mix(in, [&](const auto& team, const Mixing& m) { mix_pcgrad(team, m, method); });
  reference::Orders orders = reference::rising_orders(7);
  orders[1].assign(as_itself.begin(), as_itself.end());
  const Rows expected = reference::pcgrad(gradients, orders), out = balanced(mixed, gradients);
  EXPECT_LE(reference::relative_difference({out[1]}, {expected[1]}), 1e-12);
}

TEST(PcGrad, StaysFiniteWithScalesSixtyDecadesApart) {
  Rows gradients = reference::random_gradients(6, 6, 20, 2.0);
  gradients[4] = gradients[1];
  for (std::size_t i = 0; i < 6; ++i)
    for (double& v : gradients[i]) v *= i % 3 == 0 ? 1e-30 : (i % 3 == 1 ? 1.0 : 1e30);
  const Mixed mixed = run(gradients);
  for (const double v : mixed.mixing) EXPECT_TRUE(std::isfinite(v));
  const Rows expected = reference::pcgrad(gradients, reference::rising_orders(6)), out = balanced(mixed, gradients);
  // A row of scale 1 may hold cancelled parts of 1e30, so each is judged by its own largest coefficient times gradient.
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_LE(reference::relative_difference({out[i]}, {expected[i]}), 1e-11) << "row " << i;
}

}  // namespace
}  // namespace equipoise::test
