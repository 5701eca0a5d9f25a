// tests/host/text/progress_test.cpp - what a training tells of its epochs.
#include "host/text/progress.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "engine/balance/methods.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/mtl/mtl_system.h"
#include "engine/systems/vaegan/vaegan_system.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

std::vector<std::string> none_dead() { return {}; }

/// Tells of epochs whose variational terms are given; returns what was written.
std::string told(LogFormat format, const std::vector<double>& variational, bool ratio = true, int skipped_each = 0) {
  Program program;
  program.task_names = {"reconstruction", "inherent_variational", "classification"};
  program.term_names = {"inherent", "variational"};
  TrainingPlan plan;
  plan.epochs = 10;
  plan.setup = mldrl_setup("paper");
  mldrl(plan.setup).ratio = ratio;
  ::testing::internal::CaptureStderr();
  {
    Log log(format);
    Progress progress(log, program, plan, 4, 0);
    for (std::size_t i = 0; i < variational.size(); ++i) {
      EpochMetrics m;
      m.epoch = static_cast<int>(i) + 1;
      m.step = 4 * m.epoch;
      m.losses = {1.5, 0.25, std::numeric_limits<double>::quiet_NaN()};
      BalancerMetrics& balancer = m.balancers.emplace_back();
      balancer.weights = balancer.next_weights = balancer.norms = {1, 1, 1};
      balancer.gram.assign(9, 0.0);
      balancer.cosines.assign(9, 1.0);
      m.terms = {0.5, variational[i]};
      m.skipped = skipped_each * m.epoch;
      progress.epoch(m, none_dead);
    }
  }
  return ::testing::internal::GetCapturedStderr();
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(ProgressOfATraining, IsALineAnEpochWhereThereIsNoTerminal) {
  const std::string text = told(LogFormat::text, {1, 1, 1});
  EXPECT_EQ(count(text, "\n"), 3);
  EXPECT_CONTAINS(text, "epoch  1/10  loss rec 1.5000 inh 0.2500 cla -  weight 1.000 1.000 1.000\n");
  EXPECT_EQ(count(text, "\x1b"), 0);
}

TEST(ProgressOfATraining, WarnsOnceOfAVanishingDenominator) {
  EXPECT_EQ(count(told(LogFormat::text, {1e-5, 1e-7, 1e-8}), "warning: epoch 2: the variational term"), 1);
  EXPECT_EQ(count(told(LogFormat::text, {1e-5, 1e-7, 1e-8}), "warning:"), 1);
  EXPECT_EQ(count(told(LogFormat::text, {1e-5, 1.1e-6}), "warning:"), 0);
  EXPECT_EQ(count(told(LogFormat::text, {1e-7}, false), "warning:"), 0);  // a difference has no denominator
  EXPECT_EQ(count(told(LogFormat::text, {std::numeric_limits<double>::quiet_NaN()}), "warning:"), 0);
}

TEST(ProgressOfATraining, WarnsOnceOfVanishedGradientsAndNamesDeadLayers) {
  Program program;
  program.task_names = {"size", "weight"};
  TrainingPlan plan;
  plan.epochs = 9;
  plan.setup = mtl_setup("trunk");
  int asked = 0;
  const auto dead = [&] {
    ++asked;
    return std::vector<std::string>{"fc2", "fc3"};
  };
  ::testing::internal::CaptureStderr();
  {
    Log log(LogFormat::text);
    Progress progress(log, program, plan, 1, 0);
    for (int epoch = 1; epoch <= 4; ++epoch) {
      EpochMetrics m;
      m.epoch = epoch;
      m.losses = {1, 2};
      BalancerMetrics& balancer = m.balancers.emplace_back();
      balancer.weights = {1, 1};
      if (epoch > 1) balancer.vanished = {0, 1};
      progress.epoch(m, dead);
    }
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(count(text, "warning:"), 1);
  EXPECT_CONTAINS(text, "warning: epoch 2: the measured gradients of all 2 tasks were exactly zero in every step");
  EXPECT_CONTAINS(text, "on any training row: fc2, fc3 - ");
}

/// Tells of one epoch of a model whose losses are 1, 2, ... and whose task weights begin at `first_weight`.
std::string told_of(const AnySystem& system, const std::vector<std::string>& tasks, double first_weight = 1,
                    MethodKind method = MethodKind::gradnorm) {
  Program program;
  program.task_names = tasks;
  TrainingPlan plan;
  plan.epochs = 3;
  plan.monitor = Monitor::none;
  plan.setup.system = system;
  plan.setup.balance[0].methods = {default_method(method)};
  EpochMetrics m;
  m.epoch = m.step = 1;
  for (std::size_t k = 0; k < tasks.size(); ++k) m.losses.push_back(static_cast<double>(k + 1));
  BalancerMetrics& balancer = m.balancers.emplace_back();
  balancer.weights.assign(tasks.size(), 1);
  balancer.weights[0] = first_weight;
  ::testing::internal::CaptureStderr();
  {
    Log log;
    Progress(log, program, plan, 1, 0).epoch(m, none_dead);
  }
  return ::testing::internal::GetCapturedStderr();
}

TEST(ProgressOfATraining, NamesTheTasksOfAMultiTaskNetwork) {
  EXPECT_EQ(told_of(MtlSystem().clone(), {"stay", "stage"}, 0.5),
            "epoch 1/3  loss stay 1.0000 stage 2.0000  weight 0.500 1.000\n");
}

TEST(ProgressOfATraining, ShowsWhatChoosesTheEpochOfSeveralTasks) {
  Program program;
  program.task_names = {"died"};
  TrainingPlan plan;
  plan.epochs = 1;
  plan.setup.system = MtlSystem().clone();
  EpochMetrics m;
  m.epoch = m.step = 1;
  m.losses = {2};
  m.validation.losses = {3};
  m.balancers.emplace_back().weights = {1};
  m.validated = m.best = true;
  const auto line = [&](Monitor monitor, double value) {
    plan.monitor = monitor;
    m.monitor = value;
    ::testing::internal::CaptureStderr();
    {
      Log log;
      Progress(log, program, plan, 1, 0).epoch(m, none_dead);
    }
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_CONTAINS(line(Monitor::auc, 0.75), "validation AUC 0.7500 best\n");
  EXPECT_CONTAINS(line(Monitor::deviance, -0.25), "validation deviance 0.2500 loss 3.0000 best\n");
}

TEST(ProgressOfATraining, TellsTheMeanOfManyTasksAndTheRangeOfTheirWeights) {
  EXPECT_EQ(told_of(MtlSystem().clone(), {"a", "b", "c", "d", "e", "f"}, 0.25),
            "epoch 1/3  loss mean 3.5000 of 6 tasks  weight 0.250 to 1.000\n");
}

TEST(ProgressOfATraining, ShowsTheLossesOfAVaeGanWithoutWeights) {
  EXPECT_EQ(told_of(VaeganSystem().clone(), {"prior", "feature", "generator", "critic", "auxiliary"}),
            "epoch 1/3  loss prior 1.0000 feature 2.0000 generator 3.0000 critic 4.0000 auxiliary 5.0000\n");
}

TEST(ProgressOfATraining, WarnsOfAVanishingWeightWhereGradNormDrivesIt) {
  EXPECT_EQ(
      count(told_of(MtlSystem().clone(), {"a", "b"}, 1e-4), "warning: epoch 1: GradNorm drove the task weight of a to"),
      1);
  EXPECT_EQ(count(told_of(MtlSystem().clone(), {"a", "b"}, 1e-2), "warning:"), 0);
  EXPECT_EQ(count(told_of(MtlSystem().clone(), {"a", "b"}, 1e-4, MethodKind::mgda), "warning:"), 0);
}

TEST(ProgressOfATraining, CountsTheStepsLeftOut) {
  EXPECT_EQ(count(told(LogFormat::text, {1, 1}, true, 3), "because of a non-finite value: 6"), 1);
}

TEST(ProgressOfATraining, IsJsonLinesWhereAsked) {
  std::istringstream lines(told(LogFormat::json, {1, 1e-9}));
  std::vector<std::string> levels;
  for (std::string line; std::getline(lines, line);) levels.push_back(nlohmann::json::parse(line)["level"]);
  EXPECT_EQ(levels, (std::vector<std::string>{"epoch", "warning", "epoch"}));
}

}  // namespace
}  // namespace equipoise
