// tests/kernels/gradnorm_test.cpp - GradNorm's targets and its step on the task weights against the double reference.
#include "kernels/gradnorm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/harness.h"
#include "tests/reference/adam.h"
#include "tests/reference/gradnorm.h"

namespace equipoise::test {
namespace {

constexpr Tolerance kFew{.rel = 1e-13, .why = "some tens of float64 roundings and a power within 2 ulp"};

/// What a step shows of every task.
struct StepInput {
  std::vector<double> losses, gradient_norms;
  std::vector<bool> present;
};

/// GradNorm in a rig beside the reference's, step by step.
class GradNormRig {
 public:
  GradNormRig(std::vector<double> weights, LossRatio ratio, Normalise normalise, double alpha = 0.16)
      : rig(1), tasks_(static_cast<int>(weights.size())), ratio_(ratio), normalise_(normalise), weights_(weights) {
    rig.settings.task_lr = 0.025;
    rig.settings.alpha = alpha;
    Control& k = rig.control();
    k.finite = 1;
    for (int i = 0; i < tasks_; ++i) {
      k.weights[i] = k.used_weights[i] = weights[static_cast<std::size_t>(i)];
      k.task_beta1_power[i] = k.task_beta2_power[i] = 1.0;
    }
    moments_.resize(weights.size());
    first_.resize(weights.size(), 0.0);
    has_first_.resize(weights.size(), false);
  }

  void step(const StepInput& in) {
    show(in);
    rig.run(GradNorm{tasks_, ratio_, normalise_}, {});
    const std::size_t tasks = weights_.size();
    std::vector<double> ratios(tasks, 0.0);
    for (std::size_t i = 0; i < tasks; ++i) {
      if (!in.present[i]) continue;
      const double loss = ratio_ == LossRatio::weighted ? weights_[i] * in.losses[i] : in.losses[i];
      if (!has_first_[i]) first_[i] = loss, has_first_[i] = true;
      ratios[i] = loss / first_[i];
    }
    const reference::GradNorm g =
        reference::gradnorm(weights_, in.gradient_norms, ratios, in.present, rig.settings.alpha);
    reference::AdamSettings adam{rig.settings.task_lr, rig.settings.beta1, rig.settings.beta2, rig.settings.eps, 0.0};
    for (std::size_t i = 0; i < tasks; ++i)
      if (in.present[i]) weights_[i] = reference::adam_step(weights_[i], g.gradient[i], moments_[i], adam);
    if (normalise_ == Normalise::after_step) reference::rescale_to_count(weights_);
    compare(g);
    for (std::size_t i = 0; i < tasks; ++i) rig.control().used_weights[i] = rig.control().weights[i];
  }
  /// Puts a step's losses and gradients into the control.
  void show(const StepInput& in) {
    Control& k = rig.control();
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      k.losses[i] = in.losses[i];
      k.present[i] = in.present[i] ? 1 : 0;
      k.gram[i * weights_.size() + i] = in.gradient_norms[i] * in.gradient_norms[i];
      k.norms[i] = k.used_weights[i] * in.gradient_norms[i];
    }
  }

  Rig rig;

 private:
  void compare(const reference::GradNorm& g) {
    const Control& k = rig.control();
    double sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      expect_close(k.targets[i], g.targets[i], std::fabs(g.targets[i]), kFew, "target " + std::to_string(i));
      expect_close(k.weights[i], weights_[i], std::fabs(weights_[i]) + rig.settings.task_lr,
                   {.rel = 1e-9, .why = kDrift}, "weight " + std::to_string(i));
      sum += g.norms[i];
    }
    expect_close(k.gradnorm_loss, g.loss, sum, kFew, "GradNorm's loss");
  }
  static constexpr const char* kDrift = "float64 Adam steps from norms that agree to 1e-13";

  int tasks_;
  LossRatio ratio_;
  Normalise normalise_;
  std::vector<double> weights_, first_;
  std::vector<bool> has_first_;
  std::vector<reference::AdamMoments> moments_;
};

TEST(GradNorm, FollowsTheReferenceForOneToFiveTasksInEveryForm) {
  for (int tasks = 1; tasks <= 5; ++tasks)
    for (LossRatio ratio : {LossRatio::raw, LossRatio::weighted})
      for (Normalise normalise : {Normalise::none, Normalise::after_step}) {
        reference::Draws draws(121);
        std::vector<double> weights;
        for (int i = 0; i < tasks; ++i) weights.push_back(draws.uniform(0.3, 3.0));
        GradNormRig g(weights, ratio, normalise);
        for (int step = 0; step < 6; ++step) {
          StepInput in;
          for (int i = 0; i < tasks; ++i) {
            in.losses.push_back(draws.uniform(0.1, 5.0));
            in.gradient_norms.push_back(draws.uniform(0.01, 4.0));
            in.present.push_back(true);
          }
          g.step(in);
        }
      }
}

TEST(GradNorm, LetsAnAbsentTaskSitTheStepOutAndTakesItsFirstRealLoss) {
  GradNormRig g({1.4, 3.0, 0.3}, LossRatio::raw, Normalise::after_step);
  g.step({{2, 1, 0}, {1, 2, 0}, {true, true, false}});
  EXPECT_EQ(g.rig.control().has_first_loss[2], 0);
  EXPECT_EQ(g.rig.control().targets[2], 0.0);
  EXPECT_EQ(g.rig.control().task_beta1_power[2], 1.0);
  g.step({{1.5, 0.8, 0.7}, {1, 2, 0.5}, {true, true, true}});
  EXPECT_EQ(g.rig.control().first_loss[2], 0.7);
  g.step({{1.2, 0.7, 0}, {1, 2, 0}, {true, true, false}});
  g.step({{1.0, 0.6, 0.5}, {1, 1.5, 0.4}, {true, true, true}});
}

TEST(GradNorm, WithNoTaskPresentLeavesWeightsThatSumToTheirNumberAlone) {
  GradNormRig g({1.0, 1.5, 0.5}, LossRatio::raw, Normalise::after_step);
  g.show({{0, 0, 0}, {0, 0, 0}, {false, false, false}});
  g.rig.run(GradNorm{3, LossRatio::raw, Normalise::after_step}, {});
  EXPECT_EQ(g.rig.control().weights[0], 1.0);
  EXPECT_EQ(g.rig.control().weights[1], 1.5);
  EXPECT_EQ(g.rig.control().weights[2], 0.5);
  EXPECT_EQ(g.rig.control().gradnorm_loss, 0.0);
}

TEST(GradNorm, SurvivesNegativeAndZeroLosses) {
  // First losses positive, then negative ones: a signed mean, negative ratios counted as 0, and all 1 where it fails.
  GradNormRig g({1, 1, 1}, LossRatio::raw, Normalise::after_step);
  g.step({{1, 1, 1}, {1, 2, 3}, {true, true, true}});
  g.step({{3, -1, 1}, {1, 2, 3}, {true, true, true}});
  g.step({{-3, -1, 1}, {1, 2, 3}, {true, true, true}});
  g.step({{0, 0, 0}, {1, 2, 3}, {true, true, true}});
  GradNormRig zero({1, 1}, LossRatio::raw, Normalise::none);
  zero.step({{0, 2}, {1, 2}, {true, true}});
  zero.step({{0, 1}, {1, 2}, {true, true}});
  zero.step({{0.5, 1}, {1, 2}, {true, true}});
}

TEST(GradNorm, WithZeroGradientsKeepsEveryWeightFinite) {
  GradNormRig g({1.4, 3.0, 0.3}, LossRatio::raw, Normalise::after_step);
  g.step({{2, 1, 1}, {0, 0, 0}, {true, true, true}});
  g.step({{2, 1, 1}, {0, 3, 0}, {true, true, true}});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::isfinite(g.rig.control().weights[i]));
}

TEST(GradNorm, WithAlphaZeroAimsAtTheMeanNormForEveryTask) {
  GradNormRig g({1, 1, 1}, LossRatio::raw, Normalise::none, 0.0);
  g.step({{1, 2, 3}, {1, 2, 3}, {true, true, true}});
  for (int i = 0; i < 3; ++i) EXPECT_DOUBLE_EQ(g.rig.control().targets[i], 2.0);
}

TEST(GradNorm, WithOneTaskIsTheIdentityBitForBit) {
  GradNormRig g({1.0}, LossRatio::raw, Normalise::after_step);
  for (double loss : {2.0, 1.5, 0.1, 7.0}) {
    g.step({{loss}, {loss * 0.3}, {true}});
    EXPECT_EQ(g.rig.control().weights[0], 1.0);
  }
}

TEST(GradNorm, ChangesNothingBehindAClosedGate) {
  GradNormRig g({1, 2}, LossRatio::raw, Normalise::after_step);
  g.show({{NAN, 1}, {1, 2}, {true, true}});
  g.rig.control().finite = 0;
  const Control before = g.rig.control();
  g.rig.run(GradNorm{2, LossRatio::raw, Normalise::after_step}, {});
  EXPECT_EQ(std::memcmp(&before, &g.rig.control(), sizeof before), 0);
}

}  // namespace
}  // namespace equipoise::test
