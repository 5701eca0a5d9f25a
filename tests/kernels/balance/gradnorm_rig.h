// tests/kernels/balance/gradnorm_rig.h - steps GradNorm or its modified form on losses and norms that a test gives.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/balance/gradnorm.h"
#include "kernels/balance/gradnorm_modified.h"
#include "kernels/base/team.h"

namespace equipoise::test {

/// What a step shows of every task.
struct StepInput {
  std::vector<double> losses, gradient_norms;
  std::vector<bool> present;
};

/// Steps of a weighing method, and all that one of them leaves.
class Weigher {
 public:
  Weigher(const Method& method, std::vector<double> weights) : method_(method), tasks_(weights.size()) {
    std::copy(weights.begin(), weights.end(), settings.initial_weights);
    state.resize(static_cast<std::size_t>(state_doubles(method.kind, static_cast<int>(tasks_))), 0.0);
  }
  void step(const StepInput& in) {
    std::vector<int32_t> present(in.present.begin(), in.present.end());
    next = state;
    weight.assign(tasks_, NAN);
    next_weight = target = weight;
    Weighing w{};
    w.tasks = static_cast<int32_t>(tasks_);
    w.present = present.data();
    w.loss = in.losses.data();
    w.settings = &settings;
    w.state = state.data();
    w.next = next.data();
    w.weight = weight.data();
    w.next_weight = next_weight.data();
    w.target = target.data();
    w.gradnorm_loss = &loss;
    run(w);
    const std::vector<double> early = weight;
    EXPECT_EQ(next, state) << "weights alone change no state";
    w.norm = in.gradient_norms.data();
    run(w);
    EXPECT_EQ(weight, early) << "the same weights before and after the gradients are known";
  }
  void accept() { state = next; }
  double row(int r, std::size_t task) const { return next[static_cast<std::size_t>(r) * tasks_ + task]; }

  Settings settings;
  std::vector<double> state, next, weight, next_weight, target;
  double loss = 0;

 private:
  void run(const Weighing& w) {
    if (method_.kind == MethodKind::gradnorm) weigh_gradnorm(Solo{}, w, method_);
    else weigh_gradnorm_modified(Solo{}, w, method_);
  }
  Method method_;
  std::size_t tasks_;
};

}  // namespace equipoise::test
