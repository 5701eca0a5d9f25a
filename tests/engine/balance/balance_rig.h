// tests/engine/balance/balance_rig.h - random problems for balance(), and methods run on them by name.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "engine/balance/balance_problem.h"
#include "engine/balance/methods.h"
#include "kernels/balance/chain.h"

namespace equipoise::test {

using Doubles = std::vector<double>;
using Specs = std::vector<std::string>;

/// Sums of at most 8 products of weights near one, in double.
inline constexpr double kRounding = 1e-13;

inline BalanceProblem random_problem(int tasks, int64_t columns, unsigned seed) {
  std::mt19937 words(seed);
  std::normal_distribution<float> normal;
  BalanceProblem p;
  p.tasks = tasks;
  p.columns = columns;
  for (int64_t e = 0; e < tasks * columns; ++e) p.gradients.push_back(normal(words));
  return p;
}

inline BalanceResult run(const BalanceProblem& p, const Specs& specs, bool rescale = false) {
  const MethodList list = parse_methods(specs, "test");
  Chain chain = make_chain(list.methods, p.tasks);
  chain.rescale = rescale;
  Settings settings;
  settings.alpha = list.alpha.value_or(settings.alpha);
  settings.task_lr = list.task_lr.value_or(settings.task_lr);
  return balance(p, chain, settings);
}

inline double sum_of(const Doubles& values) {
  double sum = 0;
  for (const double x : values) sum += x;
  return sum;
}

inline void expect_near(const Doubles& got, const Doubles& expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], expected[i], tolerance * std::abs(expected[i])) << "entry " << i;
}

}  // namespace equipoise::test
