// tests/kernels/balance/nsgd_test.cpp - normalised gradients against recorded calls and their formula.
#include "kernels/balance/nsgd.h"

#include <gtest/gtest.h>

#include "tests/kernels/balance/golden.h"
#include "tests/kernels/balance/mixing_rig.h"
#include "tests/reference/balance_methods.h"

namespace equipoise::test {
namespace {

using reference::Rows;

Mixed run(const Rows& gradients, std::vector<double> state, int update_at, std::vector<int32_t> task = {},
          int all_tasks = 0) {
  Method method;
  method.kind = MethodKind::nsgd;
  method.update_at = update_at;
  const MixingCase in{
      static_cast<int>(gradients.size()), gram_of(gradients), std::move(task), all_tasks, {1, 0, 0}, std::move(state)};
  return mix(in, [&](const auto& team, const Mixing& mixing) { mix_nsgd(team, mixing, method); });
}

std::vector<double> fresh(int tasks) {
  return std::vector<double>(static_cast<std::size_t>(state_doubles(MethodKind::nsgd, tasks)));
}

std::vector<double> lengths(const Rows& rows) {
  std::vector<double> out;
  for (const std::vector<double>& row : rows) out.push_back(reference::length(row));
  return out;
}

TEST(Nsgd, MatchesThreeRecordedCallsWithFirstNormsOfTheSecond) {
  int seen = 0;
  for (const Golden& golden : golden_problems()) {
    const int tasks = golden.tasks();
    if (tasks < 2 || golden.name.starts_with("balance_zero")) continue;  // a zero gradient takes no part
    const std::vector<double> factors = golden.values("nsgd.factors");
    std::vector<double> state = fresh(tasks);
    for (int call = 0; call < 3; ++call) {
      Rows gradients = golden.rows("grads");
      for (std::size_t i = 0; i < gradients.size(); ++i)
        for (double& v : gradients[i]) v *= factors[static_cast<std::size_t>(call * tasks) + i];
      const Mixed mixed = run(gradients, state, 1);
      const double apart = reference::relative_difference(balanced(mixed, gradients), golden.rows("nsgd.calls", call));
      EXPECT_LE(apart, 1e-14) << golden.name << " call " << call;  // K + 6 roundings of double
      state = mixed.next;
    }
    ++seen;
  }
  EXPECT_EQ(seen, 11);
}

TEST(Nsgd, TakesTheNormsOfTheFirstCallUnlessToldOtherwise) {
  const Rows gradients = reference::random_gradients(1, 4, 30, 0.5);
  const Mixed first = run(gradients, fresh(4), 0);
  const std::vector<double> norms = lengths(gradients);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(first.next[i], norms[i], 1e-14 * norms[i]);
  EXPECT_EQ(first.next[4], 1.0);
  // All ratios are 1: every gradient gets the mean length.
  const double mean = (norms[0] + norms[1] + norms[2] + norms[3]) / 4.0;
  for (const double n : lengths(balanced(first, gradients))) EXPECT_NEAR(n, mean, 1e-14 * mean);
}

TEST(Nsgd, KeepsTheFirstNormsFromThenOn) {
  const std::vector<double> norms = {2.0, 5.0, 1.0};
  std::vector<double> state = fresh(3);
  std::copy(norms.begin(), norms.end(), state.begin());
  state[3] = 9.0;
  const Rows gradients = reference::random_gradients(3, 3, 25, 1.0);
  const Mixed mixed = run(gradients, state, 0);
  EXPECT_LE(reference::relative_difference(balanced(mixed, gradients), reference::nsgd(gradients, norms)), 1e-14);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(mixed.next[i], norms[i]);
  EXPECT_EQ(mixed.next[3], 10.0);
}

TEST(Nsgd, GivesATaskThatIsSeenLaterItsOwnFirstNormThen) {
  std::vector<double> state = fresh(5);
  state[1] = 0.5;
  state[2] = 4.0;  // absent in this call
  state[5] = 3.0;
  const Rows gradients = reference::random_gradients(4, 3, 25, 1.0);
  const std::vector<double> norms = lengths(gradients);
  const Mixed mixed = run(gradients, state, 1, {0, 1, 4}, 5);
  const Rows expected = reference::nsgd(gradients, {norms[0], 0.5, norms[2]});
  EXPECT_LE(reference::relative_difference(balanced(mixed, gradients), expected), 1e-14);
  EXPECT_NEAR(mixed.next[0], norms[0], 1e-14 * norms[0]);
  EXPECT_EQ(mixed.next[1], 0.5);
  EXPECT_EQ(mixed.next[2], 4.0);
  EXPECT_EQ(mixed.next[3], 0.0);
  EXPECT_NEAR(mixed.next[4], norms[2], 1e-14 * norms[2]);
}

TEST(Nsgd, StaysFiniteWithScalesSixtyDecadesApart) {
  Rows gradients = reference::random_gradients(6, 3, 20, 1.0);
  for (double& v : gradients[0]) v *= 1e-30;
  for (double& v : gradients[2]) v *= 1e30;
  for (const int update_at : {0, 1}) {
    const Mixed mixed = run(gradients, fresh(3), update_at);
    const std::vector<double> norms = lengths(gradients);
    const Rows expected = reference::nsgd(gradients, update_at == 0 ? norms : std::vector<double>(3, 1.0));
    EXPECT_LE(reference::relative_difference(balanced(mixed, gradients), expected), 1e-14);
  }
}

}  // namespace
}  // namespace equipoise::test
