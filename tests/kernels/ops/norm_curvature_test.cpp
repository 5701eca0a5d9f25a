// tests/kernels/ops/norm_curvature_test.cpp - second derivatives of losses against targets, along a tangent, and the
// coefficients that the derivatives of GradNorm's loss by the network carry.
#include "kernels/ops/norm_curvature.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/kernels/ops/target_rig.h"

namespace equipoise::test {
namespace {

constexpr TargetCase kMeanOfTargets{false, -1};

/// A target rig with a tangent and room for what the loss's curvature makes of it.
struct CurvatureRig : TargetRig {
  CurvatureRig(const Shape& shape, int every_missing) : TargetRig(shape, shape.cols, every_missing) {
    tangent = rig.matrix(1, s.cols);
    to = rig.matrix(1, s.cols);
    rig.fill(tangent, draws, -2, 2);
  }
  void run_curvature(TargetForm form) {
    rig.run(TargetCurvature{x, target, tangent, count, to, form, first_weight}, {rig.written(to)});
  }
  View tangent{}, to{};
};

constexpr TargetForm kForms[] = {TargetForm::squared, TargetForm::logistic, TargetForm::poisson};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(TargetCurvature, IsTheSecondDerivativeTimesTheTangentWhereThereIsATarget) {
  for (const TargetForm form : kForms)
    for (const Shape& s : kShapes)
      for (const int every : {0, 1, 3}) {
        CurvatureRig t(s, every);
        t.fill(6, [&] { return t.draws.uniform(-1, 1) > 0 ? 1.0 : 0.0; });
        const double k = kMeanOfTargets.factor(t.count_targets());
        t.run_curvature(form);
        for (int r = 0; r < s.n; ++r)
          for (int j = 0; j < s.cols; ++j) {
            const std::string where = name_of(s) + " " + coordinate("to", r, j);
            const float got = t.rig.row(t.to, r)[j];
            if (!t.has_target(r, j)) {
              EXPECT_EQ(got, 0.0f) << where;
              continue;
            }
            const double p = sigmoid(t.rig.row(t.x, r)[j]), d = t.rig.row(t.tangent, r)[j];
            const double x = t.rig.row(t.x, r)[j];
            const double second = form == TargetForm::squared    ? 2.0
                                  : form == TargetForm::logistic ? p * (1 - p)
                                                                 : std::exp(x);
            // 1 - p loses what p rounds away: half a unit at 1 is one of p's size, whatever 1 - p is.
            const Tolerance few{.rel = 8 * kRounding, .why = "a sigmoid within 2.5 ulp, a difference, three products"};
            expect_close(got, k * second * d, k * std::fabs(d) * (form == TargetForm::logistic ? p : second), few,
                         where);
          }
      }
}

/// Gradients of the rig's losses as float64.
std::vector<double> gradients(TargetRig& t, TargetForm form) {
  t.run(form, kMeanOfTargets);
  std::vector<double> values;
  for (int r = 0; r < t.s.n; ++r) values.insert(values.end(), t.rig.row(t.dx, r), t.rig.row(t.dx, r) + t.s.cols);
  return values;
}

/// Where classes have weights too.
void expect_derivative_of_the_gradient(TargetForm form, const std::vector<float>& weights = {}) {
  CurvatureRig t({6, 5, 17}, 4);
  t.fill(3, [&] { return t.draws.uniform(-1, 1) > 0 ? 1.0 : 0.0; });
  if (!weights.empty()) t.weigh_classes(weights);
  const double entries = t.count_targets();
  t.run_curvature(form);
  constexpr float kStep = 0x1p-7f;
  const auto move = [&](float by) {
    for (int r = 0; r < t.s.n; ++r)
      for (int j = 0; j < t.s.cols; ++j) t.rig.row(t.x, r)[j] += by * t.rig.row(t.tangent, r)[j];
  };
  move(kStep);
  const std::vector<double> above = gradients(t, form);
  move(-2 * kStep);
  const std::vector<double> below = gradients(t, form);
  const double largest = form == TargetForm::poisson ? std::exp(3.0) : 1.0;  // of second and third derivatives
  const Tolerance steps{
      .rel = 1e-4,
      .why = "slopes up to 4, or their largest, in float32 over a step of 2^-6, and the step squared times a third"};
  for (int r = 0; r < t.s.n; ++r)
    for (int j = 0; j < t.s.cols; ++j) {
      const auto i = static_cast<std::size_t>(r * t.s.cols + j);
      expect_close(t.rig.row(t.to, r)[j], (above[i] - below[i]) / (2 * double{kStep}), largest / entries, steps,
                   coordinate("to", r, j));
    }
}

TEST(TargetCurvature, IsTheDerivativeOfTheLosssGradientAlongTheTangent) {
  for (const TargetForm form : kForms) expect_derivative_of_the_gradient(form);
}

TEST(TargetCurvature, WeighsClassesAsTheGradientDoes) {
  expect_derivative_of_the_gradient(TargetForm::logistic, {0.25f, 1});
  CurvatureRig t({1, 1, 2}, 0);  // at 0 a quarter of each weight's share
  for (int j = 0; j < 2; ++j) {
    t.rig.row(t.x, 0)[j] = 0.0f;
    t.rig.row(t.target, 0)[j] = static_cast<float>(j);
    t.rig.row(t.tangent, 0)[j] = 1.0f;
  }
  t.weigh_classes({0.5f, 1.5f});
  t.count_targets();
  t.run_curvature(TargetForm::logistic);
  EXPECT_EQ(t.rig.row(t.to, 0)[0], 0.0625f);
  EXPECT_EQ(t.rig.row(t.to, 0)[1], 0.1875f);
}

TEST(TargetCurvature, OfAHugeLogitIsZeroAndOfNumbersTwoWhateverTheLogit) {
  for (const float size : {200.0f, 1e30f, std::numeric_limits<float>::max()}) {
    CurvatureRig t({1, 1, 2}, 0);
    for (int j = 0; j < 2; ++j) t.rig.row(t.x, 0)[j] = j == 0 ? size : -size;
    for (int j = 0; j < 2; ++j) t.rig.row(t.target, 0)[j] = t.rig.row(t.tangent, 0)[j] = 1.0f;
    t.count_targets();
    t.run_curvature(TargetForm::logistic);
    for (int j = 0; j < 2; ++j) EXPECT_NEAR(t.rig.row(t.to, 0)[j], 0.0, 1e-38) << size;
    t.run_curvature(TargetForm::squared);
    for (int j = 0; j < 2; ++j) EXPECT_EQ(t.rig.row(t.to, 0)[j], 1.0f) << "2 over two targets";
  }
}

/// Weights 1.5, norms 2: a target above, below and at the product 3, then a zero norm and an absent task.
struct WeightRig {
  static constexpr int kTasks = 5;
  WeightRig() : rig(4) {
    Control& k = rig.control();
    const double targets[kTasks] = {2.0, 4.0, 3.0, 1.0, 1.0};
    for (int i = 0; i < kTasks; ++i) {
      k.shared_weights[i] = k.private_weights[i] = 1.5;
      k.targets[i] = targets[i];
      k.present[i] = i != 4;
      for (int j = 0; j < kTasks; ++j) k.gram[i * kTasks + j] = i != j ? -7.0 : i == 3 ? 0.0 : 4.0;
    }
    for (int i = kTasks; i < kMaxTasks; ++i) k.shared_weights[i] = k.private_weights[i] = -9.0;
  }
  void run(float loss_scale) { rig.run(CurvatureWeights{kTasks, loss_scale}, {}); }
  Rig rig;
};

TEST(CurvatureWeights, AreSignTimesWeightOverNormAndZeroWhereThereIsNoGradient) {
  WeightRig w;
  w.run(1.0f);
  const double expected[WeightRig::kTasks] = {0.75, -0.75, 0.0, 0.0, 0.0};
  for (int i = 0; i < WeightRig::kTasks; ++i) {
    EXPECT_EQ(w.rig.control().shared_weights[WeightRig::kTasks + i], expected[i]) << "task " << i;
    EXPECT_EQ(w.rig.control().private_weights[WeightRig::kTasks + i], expected[i]) << "task " << i;
  }
}

TEST(CurvatureWeights, UndoTheScaleOfTheLosses) {
  for (const float scale : {0.5f, 0.25f, 3.0f}) {
    WeightRig w;
    w.run(scale);
    EXPECT_EQ(w.rig.control().shared_weights[WeightRig::kTasks], 0.75 / double{scale});
    EXPECT_EQ(w.rig.control().private_weights[WeightRig::kTasks + 1], -0.75 / double{scale});
  }
}

TEST(CurvatureWeights, LeaveAllElseInTheControlAsItIs) {
  WeightRig w;
  const Control before = w.rig.control();
  w.run(0.5f);
  Control after = w.rig.control();
  for (int i = WeightRig::kTasks; i < 2 * WeightRig::kTasks; ++i) {
    EXPECT_NE(after.shared_weights[i], -9.0);
    after.shared_weights[i] = after.private_weights[i] = -9.0;
  }
  EXPECT_EQ(std::memcmp(&before, &after, sizeof before), 0);
}

}  // namespace
}  // namespace equipoise::test
