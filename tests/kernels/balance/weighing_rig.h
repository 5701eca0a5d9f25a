// tests/kernels/balance/weighing_rig.h - steps a method that weighs losses, as a training run does.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/balance/method.h"

namespace equipoise::test {

/// A method that weighs losses, with its state; `weigh(weighing, method)` is called twice a step.
template <class Weigh>
class WeighingRun {
 public:
  WeighingRun(MethodKind kind, int tasks, Weigh weigh) : tasks_(tasks), weigh_(weigh) {
    method.kind = kind;
    state.assign(static_cast<std::size_t>(state_doubles(kind, tasks)), 0.0);
    present.assign(static_cast<std::size_t>(tasks), 1);
  }

  /// Weights of one step; both calls must give the same, the first must leave the state alone.
  std::vector<double> step(const std::vector<double>& losses, bool epoch_begins = false) {
    constexpr double kGuard = -1.25e99;
    const auto k = static_cast<std::size_t>(tasks_);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    std::vector<double> first(k, nan), second(k + 1, nan), after(k + 1, nan), next = state;
    const std::vector<double> norms(k, 1.0);
    second[k] = after[k] = kGuard;
    next.push_back(kGuard);
    Weighing in{};
    in.tasks = tasks_;
    in.present = present.data();
    in.loss = losses.data();
    in.settings = &settings;
    in.draws = draws;
    in.epoch_begins = epoch_begins;
    in.state = state.data();
    in.weight = first.data();
    weigh_(in, method);  // with nowhere to write but the weights
    in.next = next.data();
    in.next_weight = after.data();
    in.norm = norms.data();
    in.weight = second.data();
    weigh_(in, method);
    EXPECT_EQ(second[k], kGuard);
    EXPECT_EQ(after[k], kGuard);
    EXPECT_EQ(next.back(), kGuard);
    second.pop_back(), after.pop_back(), next.pop_back();
    EXPECT_EQ(first, second);
    state = next;
    next_weight = after;
    ++draws.step;
    return second;
  }

  Method method;
  Settings settings;
  StepDraws draws{1, 0, 0};
  std::vector<int32_t> present;
  std::vector<double> state, next_weight;

 private:
  int tasks_;
  Weigh weigh_;
};

}  // namespace equipoise::test
