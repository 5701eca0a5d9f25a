// tests/kernels/balance/gradnorm_habits_test.cpp - habits of published GradNorm programs: weights renormalised in the
// loss, and an Adam of the weights that starts afresh each step.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/files/safetensors.h"
#include "tests/kernels/balance/gradnorm_rig.h"
#include "tests/kernels/harness.h"
#include "tests/reference/adam.h"
#include "tests/reference/gradnorm.h"

namespace equipoise::test {
namespace {

constexpr Method kInLoss{.kind = MethodKind::gradnorm, .renormalise = Normalise::in_loss};
constexpr Method kRestarted{.kind = MethodKind::gradnorm, .renormalise = Normalise::none, .restart = 1};
constexpr Tolerance kFewRoundings{.rel = 1e-13, .why = "some tens of float64 roundings and a power within 2 ulp"};

std::vector<double> value_row(const Weigher& run, std::size_t tasks) {
  std::vector<double> values;
  for (std::size_t i = 0; i < tasks; ++i) values.push_back(run.row(GradNormState::kValue, i));
  return values;
}

/// The derivative by a task's weight that the last step gave to Adam, from the first moments around it.
double slope_of(const Weigher& run, std::size_t tasks, std::size_t task) {
  const double beta1 = run.settings.beta1, before = run.state[GradNormState::kMoment1 * tasks + task];
  return (run.row(GradNormState::kMoment1, task) - beta1 * before) / (1.0 - beta1);
}

StepInput draw_step(reference::Draws& draws, std::size_t tasks) {
  StepInput in;
  for (std::size_t i = 0; i < tasks; ++i) {
    in.losses.push_back(draws.uniform(0.1, 5.0));
    in.gradient_norms.push_back(draws.uniform(0.01, 4.0));
    in.present.push_back(true);
  }
  return in;
}

TEST(GradNormInLoss, UsesTheFirstStepsWeightsAsTheyAreGivenAndLaterOnesOverTheirMean) {
  Weigher run(kInLoss, {1.5, 2.0, 0.5});
  run.settings.task_lr = 0.2;
  const StepInput in{{2, 1, 3}, {1, 2, 4}, {true, true, true}};
  run.step(in);
  EXPECT_EQ(run.weight, (std::vector<double>{1.5, 2.0, 0.5})) << "their sum is 4, not 3";
  for (int step = 0; step < 4; ++step) {
    const std::vector<double> raw = value_row(run, 3), foretold = run.next_weight;
    const double sum = raw[0] + raw[1] + raw[2];
    EXPECT_GT(std::fabs(sum - 3.0), 0.1) << "what Adam steps is left alone";
    run.accept();
    run.step(in);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_DOUBLE_EQ(run.weight[i], 3 * raw[i] / sum);
    EXPECT_EQ(run.weight, foretold);
  }
}

TEST(GradNormInLoss, StepsTheRawWeightsByTheDerivativeThroughTheirSum) {
  constexpr std::size_t kTasks = 4;
  reference::Draws draws(131);
  Weigher run(kInLoss, {1.0, 2.5, 0.4, 1.3});
  run.settings.task_lr = 0.05;
  run.settings.alpha = 0.7;
  for (int step = 0; step < 5; ++step) {
    const StepInput in = draw_step(draws, kTasks);
    const std::vector<double> before = step == 0 ? std::vector<double>{1.0, 2.5, 0.4, 1.3} : value_row(run, kTasks);
    run.step(in);
    const auto loss = [&](std::size_t moved, double by) {  // targets held
      double sum = 0, total = 0;
      for (std::size_t i = 0; i < kTasks; ++i) sum += before[i] + (i == moved ? by : 0);
      for (std::size_t i = 0; i < kTasks; ++i) {
        const double used = (before[i] + (i == moved ? by : 0)) * (step == 0 ? 1.0 : kTasks / sum);
        total += std::fabs(used * in.gradient_norms[i] - run.target[i]);
      }
      return total;
    };
    EXPECT_NEAR(run.loss, loss(0, 0), 1e-12);
    for (std::size_t i = 0; i < kTasks; ++i) {
      const double slope = (loss(i, 1e-6) - loss(i, -1e-6)) / 2e-6;
      EXPECT_NEAR(slope_of(run, kTasks, i), slope, 1e-8)
          << "step " << step << ", task " << i << "; central differences with h = 1e-6";
    }
    run.accept();
  }
}

/// Both habits beside the reference, with a task that is absent now and then.
void expect_reference(Normalise normalise, bool restart, LossRatio ratio) {
  constexpr std::size_t kTasks = 3;
  reference::Draws draws(141);
  std::vector<double> raw{1.2, 2.0, 0.7}, first(kTasks, 0.0);
  Weigher run({.kind = MethodKind::gradnorm, .loss_ratio = ratio, .renormalise = normalise, .restart = restart}, raw);
  run.settings.task_lr = 0.03;
  std::vector<reference::AdamMoments> moments(kTasks);
  for (int step = 0; step < 8; ++step) {
    StepInput in = draw_step(draws, kTasks);
    in.present[2] = step % 3 != 0;
    const bool in_loss = normalise == Normalise::in_loss && step > 0;
    std::vector<double> used = raw, ratios(kTasks, 0.0);
    if (in_loss) reference::rescale_to_count(used);
    for (std::size_t i = 0; i < kTasks; ++i) {
      const double loss = ratio == LossRatio::weighted ? used[i] * in.losses[i] : in.losses[i];
      if (in.present[i] && first[i] == 0) first[i] = loss;
      if (in.present[i]) ratios[i] = loss / first[i];
    }
    const reference::GradNorm g = reference::gradnorm(used, in.gradient_norms, ratios, in.present, run.settings.alpha);
    const std::vector<double> slope = in_loss ? reference::gradient_before_rescaling(raw, g.gradient) : g.gradient;
    const reference::AdamSettings adam{run.settings.task_lr, run.settings.beta1, run.settings.beta2, run.settings.eps,
                                       0.0};
    for (std::size_t i = 0; i < kTasks; ++i) {
      if (!in.present[i]) continue;
      if (restart) moments[i] = {};
      raw[i] = reference::adam_step(raw[i], slope[i], moments[i], adam);
    }
    if (normalise == Normalise::after_step) reference::rescale_to_count(raw);
    run.step(in);
    double norms = 0;
    for (std::size_t i = 0; i < kTasks; ++i) {
      const std::string where = "step " + std::to_string(step) + ", task " + std::to_string(i);
      expect_close(run.weight[i], used[i], used[i], {.rel = 1e-11, .why = "Adam steps that agree to 1e-13"}, where);
      expect_close(run.row(GradNormState::kValue, i), raw[i], raw[i], {.rel = 1e-11, .why = "the same"}, where);
      norms += g.norms[i];
    }
    expect_close(run.loss, g.loss, norms, {.rel = 1e-11, .why = "weights that agree to 1e-11"}, "GradNorm's loss");
    run.accept();
  }
}

TEST(GradNormHabits, FollowTheReferenceTogetherAndApart) {
  for (const LossRatio ratio : {LossRatio::raw, LossRatio::weighted})
    for (const bool restart : {false, true})
      for (const Normalise normalise : {Normalise::none, Normalise::after_step, Normalise::in_loss})
        expect_reference(normalise, restart, ratio);
}

TEST(GradNormRestart, MovesEveryWeightByTheRateTowardsItsTarget) {
  reference::Draws draws(151);
  Weigher run(kRestarted, {1.0, 1.0, 1.0, 1.0});
  run.settings.task_lr = 0.01;
  for (int step = 0; step < 4; ++step) {
    const StepInput in = draw_step(draws, 4);
    run.step(in);
    for (std::size_t i = 0; i < 4; ++i) {
      const double sign = run.weight[i] * in.gradient_norms[i] > run.target[i] ? 1 : -1;
      // Adam's first step is lr g / (|g| + eps), and norms are at least 0.01.
      EXPECT_NEAR(run.next_weight[i], run.weight[i] - 0.01 * sign, 0.01 * 1e-6) << step << " " << i;
    }
    run.accept();
  }
}

TEST(GradNormRestart, ForgetsMomentsAndPowersOfBeta) {
  constexpr std::size_t kTasks = 3;
  Weigher fresh(kRestarted, {1, 1, 1});
  fresh.step({{2, 1, 3}, {1, 2, 4}, {true, true, true}});
  fresh.accept();
  Weigher other = fresh;
  for (const int row :
       {GradNormState::kMoment1, GradNormState::kMoment2, GradNormState::kPower1, GradNormState::kPower2})
    for (std::size_t i = 0; i < kTasks; ++i) other.state[static_cast<std::size_t>(row) * kTasks + i] = 0.375;
  for (Weigher* run : {&fresh, &other}) run->step({{1, 1, 1}, {2, 1, 0.5}, {true, true, true}});
  EXPECT_EQ(fresh.next, other.next);
  EXPECT_EQ(fresh.next_weight, other.next_weight);
}

/// A training run recorded in float64; norms of unweighted gradients are those of weighted ones over the weights.
void expect_trace(const std::string& name, const Method& method, const std::string& used_name) {
  const TensorFile file = read_safetensors(std::filesystem::path(EQUIPOISE_SOURCE_DIR "/tests/data") / name);
  const std::vector<double> losses = file.at("trace.losses").to_doubles(), norms = file.at("trace.norms").to_doubles(),
                            used = file.at(used_name).to_doubles(),
                            gradnorm_loss = file.at("trace.gradnorm_loss").to_doubles(),
                            last = file.at("final.task_weights").to_doubles();
  const std::size_t tasks = last.size(), steps = gradnorm_loss.size();
  Weigher run(method, std::vector<double>(tasks, 1.0));
  run.settings.alpha = std::stod(file.metadata_at("alpha"));
  run.settings.task_lr = std::stod(file.metadata_at("task_lr"));
  for (std::size_t step = 0; step < steps; ++step) {
    StepInput in{{}, {}, std::vector<bool>(tasks, true)};
    double sum = 0;
    for (std::size_t e = step * tasks; e < (step + 1) * tasks; ++e) {
      in.losses.push_back(losses[e]);
      in.gradient_norms.push_back(norms[e] / used[e]);
      sum += norms[e];
    }
    run.step(in);
    const std::string where = name + ", step " + std::to_string(step);
    expect_close(run.loss, gradnorm_loss[step], sum, kFewRoundings, where + ", GradNorm's loss");
    for (std::size_t i = 0; i < tasks; ++i)
      expect_close(run.weight[i], used[step * tasks + i], 1.0, kFewRoundings, where + ", weight " + std::to_string(i));
    run.accept();
    if (step + 1 == steps || !file.tensors.contains("trace.raw_weights")) continue;
    const std::vector<double> raw = file.at("trace.raw_weights").to_doubles();
    for (std::size_t i = 0; i < tasks; ++i)
      expect_close(run.row(GradNormState::kValue, i), raw[(step + 1) * tasks + i], 1.0, kFewRoundings,
                   where + ", raw weight");
  }
  for (std::size_t i = 0; i < tasks; ++i)
    expect_close(run.row(GradNormState::kValue, i), last[i], 1.0, kFewRoundings, name + ", weight after the last step");
}

TEST(GradNormHabits, GiveTheWeightsOfATowersRunWhoseAuthorsRenormaliseInTheLoss) {
  Method method = kInLoss;
  method.loss_ratio = LossRatio::weighted;
  expect_trace("towers_B10.safetensors", method, "trace.weights_used");
}

TEST(GradNormHabits, GiveTheWeightsOfATrunkRunWhoseAuthorsStartAdamAfreshEachStep) {
  Method method = kRestarted;
  method.renormalise = Normalise::after_step;
  expect_trace("trunk_T4.safetensors", method, "trace.weights");
}

}  // namespace
}  // namespace equipoise::test
