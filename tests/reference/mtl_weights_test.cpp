// tests/reference/mtl_weights_test.cpp - GradNorm's task weights under the habits of published programs.
#include "tests/reference/mtl_weights.h"

#include <gtest/gtest.h>

#include "tests/reference/finite_difference.h"
#include "tests/reference/random_problem.h"

namespace equipoise::reference {
namespace {

TEST(TaskWeights, DerivativeThroughTheScalingAgreesWithCentralDifferences) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Draws draws(seed);
    const int tasks = 1 + draws.below(5);
    const Matrix raw = draws.matrix(1, tasks, 0.1, 3.0);
    const std::vector<double> norms = draws.matrix(1, tasks, 0.1, 5.0).values;
    const std::vector<double> ratios = draws.matrix(1, tasks, 0.2, 2.0).values;
    std::vector<double> used = raw.values;
    rescale_to_count(used);
    const std::vector<bool> present(norms.size(), true);
    const GradNorm g = gradnorm(used, norms, ratios, present, 0.7);
    const auto scalar = [&](const Matrix& w) {
      std::vector<double> scaled = w.values;
      rescale_to_count(scaled);
      double loss = 0.0;
      for (std::size_t i = 0; i < norms.size(); ++i) loss += std::fabs(scaled[i] * norms[i] - g.targets[i]);
      return loss;
    };
    const Matrix formula(1, tasks, gradient_before_rescaling(raw.values, g.gradient));
    EXPECT_EQ(mismatch(formula, central_difference(raw, scalar), g.loss + norms[0]), "") << "seed " << seed;
  }
}

TaskWeightSettings settings_of(Renormalise form) {
  TaskWeightSettings s;
  s.initial = {1.0, 3.0};
  s.renormalise = form;
  s.adam.lr = 0.25;
  s.adam.eps = 1e-300;  // so small that Adam's first step is the sign of the gradient times lr
  return s;
}

// Weighted norms 1 and 15: the second is above its target, the first below, and the weights move to 1.25 and 2.75.
GradNorm first_step(TaskWeights& weights) { return weights.step({2.0, 4.0}, {1.0, 5.0}, {true, true}); }

TEST(TaskWeights, AreUsedAsGivenInTheFirstStepOfEveryForm) {
  for (Renormalise form : {Renormalise::none, Renormalise::after_step, Renormalise::in_loss}) {
    TaskWeights weights(settings_of(form));
    EXPECT_EQ(weights.used(), (std::vector<double>{1.0, 3.0}));
    EXPECT_EQ(first_step(weights).norms, (std::vector<double>{1.0, 15.0}));
  }
}

TEST(TaskWeights, AreScaledWhereTheirFormSaysSo) {
  TaskWeights none(settings_of(Renormalise::none));
  TaskWeights after(settings_of(Renormalise::after_step));
  TaskWeights in_loss(settings_of(Renormalise::in_loss));
  for (TaskWeights* weights : {&none, &after, &in_loss}) first_step(*weights);
  const std::vector<double> raw = {1.25, 2.75};
  const std::vector<double> scaled = {0.625, 1.375};
  EXPECT_EQ(none.raw(), raw);
  EXPECT_EQ(none.used(), raw);
  EXPECT_EQ(after.raw(), scaled);
  EXPECT_EQ(after.used(), scaled);
  EXPECT_EQ(in_loss.raw(), raw);
  EXPECT_EQ(in_loss.used(), scaled);
}

TEST(TaskWeights, WithARestartedAdamMoveByTheRateInEveryStep) {
  TaskWeightSettings settings = settings_of(Renormalise::none);
  settings.restart_adam = true;
  TaskWeights weights(settings);
  first_step(weights);
  weights.step({2.0, 4.0}, {100.0, 1.0}, {true, true});  // now the first norm is far above
  EXPECT_DOUBLE_EQ(weights.raw()[0], 1.0);
  EXPECT_DOUBLE_EQ(weights.raw()[1], 3.0);

  settings.restart_adam = false;
  TaskWeights kept(settings);
  first_step(kept);
  kept.step({2.0, 4.0}, {100.0, 1.0}, {true, true});
  EXPECT_GT(std::fabs(kept.raw()[1] - 3.0), 0.01);
}

TEST(TaskWeights, OfATaskThatSitsOutWaitForItsFirstLoss) {
  for (Renormalise form : {Renormalise::none, Renormalise::in_loss}) {
    TaskWeights weights(settings_of(form));
    const GradNorm alone = weights.step({2.0, 0.0}, {1.0, 0.0}, {true, false});
    EXPECT_EQ(alone.norms, (std::vector<double>{1.0, 0.0}));
    EXPECT_EQ(weights.raw()[1], 3.0);
    const GradNorm both = weights.step({2.0, 7.0}, {1.0, 5.0}, {true, true});
    EXPECT_EQ(both.rates, (std::vector<double>{1.0, 1.0})) << "the loss of 7 is the second task's L(0)";
    EXPECT_EQ(weights.raw()[1], 2.75) << "and this its Adam's first step";
  }
}

TEST(TaskWeights, WeightedRatiosCompareWeightedLosses) {
  TaskWeightSettings settings = settings_of(Renormalise::none);
  settings.loss_ratio = LossRatio::weighted;
  TaskWeights weights(settings);
  first_step(weights);
  const GradNorm g = weights.step({2.0, 4.0}, {1.0, 5.0}, {true, true});
  const double r0 = 1.25;
  const double r1 = 2.75 / 3.0;
  EXPECT_DOUBLE_EQ(g.rates[0], 2.0 * r0 / (r0 + r1));
  EXPECT_DOUBLE_EQ(g.rates[1], 2.0 * r1 / (r0 + r1));
}

}  // namespace
}  // namespace equipoise::reference
