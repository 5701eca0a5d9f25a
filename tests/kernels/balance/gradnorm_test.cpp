// tests/kernels/balance/gradnorm_test.cpp - GradNorm's targets and its step on the task weights against the double
// reference, in the paper's form and in the softmax form of the golden files.
#include "kernels/balance/gradnorm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/kernels/balance/golden.h"
#include "tests/kernels/balance/gradnorm_rig.h"
#include "tests/kernels/harness.h"
#include "tests/reference/adam.h"
#include "tests/reference/gradnorm.h"

namespace equipoise::test {
namespace {

constexpr Tolerance kFew{.rel = 1e-13, .why = "some tens of float64 roundings and a power within 2 ulp"};

double reference_norm(const std::vector<double>& row) {
  double sum = 0;
  for (const double x : row) sum += x * x;
  return std::sqrt(sum);
}

/// GradNorm beside the reference's, step by step.
class GradNormRig {
 public:
  GradNormRig(std::vector<double> weights, LossRatio ratio, Normalise normalise, double alpha = 0.16)
      : run({.kind = MethodKind::gradnorm, .loss_ratio = ratio, .renormalise = normalise}, weights),
        ratio_(ratio),
        normalise_(normalise),
        weights_(weights) {
    run.settings.task_lr = 0.025;
    run.settings.alpha = alpha;
    moments_.resize(weights.size());
    first_.resize(weights.size(), 0.0);
    has_first_.resize(weights.size(), false);
  }

  void step(const StepInput& in) {
    run.step(in);
    const std::size_t tasks = weights_.size();
    std::vector<double> ratios(tasks, 0.0);
    for (std::size_t i = 0; i < tasks; ++i) {
      if (!in.present[i]) continue;
      const double loss = ratio_ == LossRatio::weighted ? weights_[i] * in.losses[i] : in.losses[i];
      if (!has_first_[i]) first_[i] = loss, has_first_[i] = true;
      ratios[i] = loss / first_[i];
    }
    const reference::GradNorm g =
        reference::gradnorm(weights_, in.gradient_norms, ratios, in.present, run.settings.alpha);
    reference::AdamSettings adam{run.settings.task_lr, run.settings.beta1, run.settings.beta2, run.settings.eps, 0.0};
    for (std::size_t i = 0; i < tasks; ++i)
      if (in.present[i]) weights_[i] = reference::adam_step(weights_[i], g.gradient[i], moments_[i], adam);
    if (normalise_ == Normalise::after_step) reference::rescale_to_count(weights_);
    compare(g);
    run.accept();
  }

  Weigher run;

 private:
  void compare(const reference::GradNorm& g) {
    double sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      expect_close(run.target[i], g.targets[i], std::fabs(g.targets[i]), kFew, "target " + std::to_string(i));
      expect_close(run.next_weight[i], weights_[i], std::fabs(weights_[i]) + run.settings.task_lr,
                   {.rel = 1e-9, .why = kDrift}, "weight " + std::to_string(i));
      sum += g.norms[i];
    }
    expect_close(run.loss, g.loss, sum, kFew, "GradNorm's loss");
  }
  static constexpr const char* kDrift = "float64 Adam steps from norms that agree to 1e-13";

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
  EXPECT_EQ(g.run.row(GradNormState::kHasFirst, 2), 0.0);
  EXPECT_EQ(g.run.target[2], 0.0);
  EXPECT_EQ(g.run.row(GradNormState::kPower1, 2), 0.0);
  g.step({{1.5, 0.8, 0.7}, {1, 2, 0.5}, {true, true, true}});
  EXPECT_EQ(g.run.row(GradNormState::kFirst, 2), 0.7);
  g.step({{1.2, 0.7, 0}, {1, 2, 0}, {true, true, false}});
  g.step({{1.0, 0.6, 0.5}, {1, 1.5, 0.4}, {true, true, true}});
}

TEST(GradNorm, WithNoTaskPresentLeavesWeightsThatSumToTheirNumberAlone) {
  GradNormRig g({1.0, 1.5, 0.5}, LossRatio::raw, Normalise::after_step);
  g.run.step({{0, 0, 0}, {0, 0, 0}, {false, false, false}});
  EXPECT_EQ(g.run.next_weight[0], 1.0);
  EXPECT_EQ(g.run.next_weight[1], 1.5);
  EXPECT_EQ(g.run.next_weight[2], 0.5);
  EXPECT_EQ(g.run.loss, 0.0);
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
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::isfinite(g.run.next_weight[i]));
}

TEST(GradNorm, WithAlphaZeroAimsAtTheMeanNormForEveryTask) {
  GradNormRig g({1, 1, 1}, LossRatio::raw, Normalise::none, 0.0);
  g.step({{1, 2, 3}, {1, 2, 3}, {true, true, true}});
  for (int i = 0; i < 3; ++i) EXPECT_DOUBLE_EQ(g.run.target[i], 2.0);
}

TEST(GradNorm, WithOneTaskIsTheIdentityBitForBit) {
  GradNormRig g({1.0}, LossRatio::raw, Normalise::after_step);
  for (double loss : {2.0, 1.5, 0.1, 7.0}) {
    g.step({{loss}, {loss * 0.3}, {true}});
    EXPECT_EQ(g.run.next_weight[0], 1.0);
  }
}

TEST(GradNorm, KeepsAWeightThatARateWouldDriveBelowZeroAtItsFloor) {
  GradNormRig g({1.0, 1.0}, LossRatio::raw, Normalise::none);
  g.run.settings.task_lr = 3.0;
  g.run.step({{1, 1}, {5, 1}, {true, true}});
  EXPECT_EQ(g.run.next_weight[0], kMinTaskWeight);
}

TEST(GradNorm, DoesNotStartAgainWhenAPowerOfBetaVanishes) {
  Weigher run({.kind = MethodKind::gradnorm, .renormalise = Normalise::none}, {1.0, 1.0});
  run.settings.beta1 = 0.25;
  run.settings.alpha = 0;
  run.settings.task_lr = 1e-5;
  const auto step = [&] {
    const double before = run.row(GradNormState::kValue, 0);
    run.step({{1, 1}, {2, 1}, {true, true}});
    run.accept();
    return before - run.row(GradNormState::kValue, 0);
  };
  run.step({{1, 1}, {2, 1}, {true, true}});
  run.accept();
  for (int t = 1; t < 700; ++t) step();  // 0.25^538 is below every double
  EXPECT_EQ(run.row(GradNormState::kPower1, 0), 0.0);
  EXPECT_NEAR(step(), 1e-5, 1e-12) << "the rate, which another bias correction would not give";
}

TEST(GradNorm, OfNormsTakesAGradientThatWasAlwaysZeroForOneThatHasFallenToNothing) {
  Weigher run({.kind = MethodKind::gradnorm_modified, .renormalise = Normalise::none}, {1, 1, 1});
  run.settings.alpha = 1;
  const StepInput in{{1, 1, 1}, {0, 1, 3}, {true, true, true}};
  run.step(in);
  run.accept();
  run.step(in);
  // Ratios 0, 1, 1 over their mean 2/3, times the mean norm, 4/3 but for the weights' first small steps.
  EXPECT_EQ(run.target[0], 0.0);
  const double mean_norm = (run.weight[1] + 3 * run.weight[2]) / 3;
  EXPECT_NEAR(run.target[1], 1.5 * mean_norm, 1e-14);
  EXPECT_NEAR(run.target[2], 1.5 * mean_norm, 1e-14);
}

/// The derivative of GradNorm's loss by the logits, told from the first moment of one Adam step (1 - beta1 times it).
void expect_golden(const Golden& file, MethodKind kind, const std::string& name) {
  const std::vector<double> logits = file.values("gradnorm.logits"), loss0 = file.values("loss0");
  const std::size_t tasks = logits.size();
  Weigher run({.kind = kind, .softmax = 1}, std::vector<double>(tasks, 1.0));
  run.settings.alpha = 1.5;
  StepInput in{file.values("loss1"), {}, std::vector<bool>(tasks, true)};
  for (const std::vector<double>& row : file.rows("grads")) in.gradient_norms.push_back(reference_norm(row));
  const std::vector<double> first =
      kind == MethodKind::gradnorm ? loss0 : file.values("gradnorm_modified.initial_norms");
  for (std::size_t i = 0; i < tasks; ++i) {
    run.state[GradNormState::kValue * tasks + i] = logits[i];
    run.state[GradNormState::kFirst * tasks + i] = first[i];
    run.state[GradNormState::kHasFirst * tasks + i] = run.state[GradNormState::kStarted * tasks + i] = 1.0;
  }
  run.step(in);
  const std::vector<double> weight = file.values(name + ".alpha1.5.weight");
  const std::vector<double> slope = file.values(name + ".alpha1.5.logit_grad");
  double largest = 0;
  for (const double s : slope) largest = std::max(largest, std::fabs(s));
  for (std::size_t i = 0; i < tasks; ++i) {
    const std::string where = file.name + ", " + name + " " + std::to_string(i);
    expect_close(run.weight[i], weight[i], weight[i], kFew, where + ", weight");
    expect_close(run.row(GradNormState::kMoment1, i) / (1.0 - run.settings.beta1), slope[i], largest + 1e-300,
                 {.rel = 1e-10, .why = "sums that cancel, of terms that agree to 1e-13"}, where + ", slope");
  }
}

TEST(GradNorm, InSoftmaxFormGivesTheGoldenWeightsAndTheirGradientByTheLogits) {
  for (const Golden& file : golden_problems()) {
    expect_golden(file, MethodKind::gradnorm, "gradnorm");
    expect_golden(file, MethodKind::gradnorm_modified, "gradnorm_modified");
  }
}

TEST(GradNorm, InSoftmaxFormKeepsTheSumAndStartsAtTheSettingsRatios) {
  Weigher run({.kind = MethodKind::gradnorm, .softmax = 1}, {1.0, 3.0, 2.0});
  run.settings.task_lr = 0.5;
  for (int step = 0; step < 5; ++step) {
    run.step({{1.0 / (step + 1), 2.0, 1.0}, {1, 2, 0.1}, {true, true, step != 2}});
    run.accept();
    if (step == 0) {
      EXPECT_NEAR(run.weight[1] / run.weight[0], 3.0, 1e-14);
    }
    EXPECT_NEAR(run.next_weight[0] + run.next_weight[1] + run.next_weight[2], 3.0, 1e-14);
  }
}

}  // namespace
}  // namespace equipoise::test
