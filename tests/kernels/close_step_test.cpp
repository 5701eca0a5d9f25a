// tests/kernels/close_step_test.cpp - progress, epoch sums, powers of beta and the policy for a bad step.
#include "kernels/close_step.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

constexpr CloseStep kTraining{3, 6, 1u << 2, 1u << 5, true};
constexpr CloseStep kEvaluation{3, 6, 1u << 2, 1u << 5, false};

/// A rig in the middle of an epoch of 70 rows: batch of 32 of which n are taken.
struct Middle {
  explicit Middle(int n, int position) : rig(32, n) {
    rig.settings.rows = 70;
    Control& k = rig.control();
    k.step = 4;
    k.epoch = 1;
    k.position = position;
    k.finite = 1;
    k.beta1_power = 0.5;
    k.beta2_power = 0.25;
    k.label_weight = 12.5;
    k.gradient_norm = 6.0;
    k.step_norm = 2.5;
    k.certificate = 3e-16;
    k.worst_certificate = 1e-16;
    k.sum_rows = 32;
    k.sum_terms[0] = 100;
    for (int i = 0; i < 3; ++i) {
      k.weights[i] = 2.0 + i;
      k.shared_weights[i] = 1.0 + i;
      k.losses[i] = 10.0 * (i + 1);
      k.norms[i] = 0.5 * (i + 1);
    }
    for (int i = 0; i < 9; ++i) k.gram[i] = i;
    for (int t = 0; t < 6; ++t) k.terms[t] = t + 1;
  }
  Control close(const CloseStep& op) {
    rig.run(op, {});
    return rig.control();
  }
  Rig rig;
};

TEST(CloseStep, AdvancesStepPositionAndPowers) {
  const Control k = Middle(32, 0).close(kTraining);
  EXPECT_EQ(k.step, 5);
  EXPECT_EQ(k.epoch, 1);
  EXPECT_EQ(k.position, 32);
  EXPECT_EQ(k.beta1_power, 0.5 * 0.9);
  EXPECT_EQ(k.beta2_power, 0.25 * 0.999);
  EXPECT_EQ(k.status, Status::running);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(k.shared_weights[i], 1.0 + i);
}

TEST(CloseStep, EndsTheEpochWithItsLastShortBatch) {
  const Control k = Middle(6, 64).close(kTraining);
  EXPECT_EQ(k.position, 0);
  EXPECT_EQ(k.epoch, 2);
}

TEST(CloseStep, WeighsEpochSumsByRowsAndClassificationByLabelWeight) {
  const Control k = Middle(6, 64).close(kTraining);
  EXPECT_EQ(k.sum_rows, 38);
  EXPECT_EQ(k.sum_steps, 1);
  EXPECT_EQ(k.sum_label_weight, 12.5);
  EXPECT_EQ(k.sum_terms[0], 100 + 6 * 1.0);
  EXPECT_EQ(k.sum_terms[4], 6 * 5.0);
  EXPECT_EQ(k.sum_terms[5], 12.5 * 6.0);
  EXPECT_EQ(k.sum_losses[0], 6 * 10.0);
  EXPECT_EQ(k.sum_losses[2], 12.5 * 30.0);
  EXPECT_EQ(k.sum_norms[1], 1.0);
  EXPECT_EQ(k.sum_gram[7], 7.0);
  EXPECT_EQ(k.sum_gradient_norm, 6.0);
  EXPECT_EQ(k.sum_step_norm, 2.5);
  EXPECT_EQ(k.worst_certificate, 3e-16);
}

TEST(CloseStep, KeepsTheWorstCertificateOfTheEpoch) {
  Middle m(32, 0);
  m.rig.control().worst_certificate = 1e-15;
  EXPECT_EQ(m.close(kTraining).worst_certificate, 1e-15);
}

TEST(CloseStep, InEvaluationSumsLossesAndMovesOnButTrainsNothing) {
  Middle m(32, 0);
  m.rig.control().finite = 0;  // of some earlier training step: means nothing here
  const Control k = m.close(kEvaluation);
  EXPECT_EQ(k.sum_losses[1], 32 * 20.0);
  EXPECT_EQ(k.sum_norms[1], 0.0);
  EXPECT_EQ(k.sum_gradient_norm, 0.0);
  EXPECT_EQ(k.beta1_power, 0.5);
  EXPECT_EQ(k.shared_weights[0], 1.0);
  EXPECT_EQ(k.skipped, 0);
  EXPECT_EQ(k.position, 32);
}

TEST(CloseStep, OfABadStepCountsItAndKeepsSumsPowersAndWeights) {
  for (OnNonfinite policy : {OnNonfinite::stop, OnNonfinite::skip, OnNonfinite::freeze}) {
    Middle m(32, 0);
    m.rig.settings.on_nonfinite = policy;
    m.rig.control().finite = 0;
    m.rig.control().losses[1] = NAN;
    const Control k = m.close(kTraining);
    EXPECT_EQ(k.skipped, 1);
    EXPECT_EQ(k.status, policy == OnNonfinite::stop   ? Status::stopped
                        : policy == OnNonfinite::skip ? Status::running
                                                      : Status::frozen);
    EXPECT_EQ(k.step, 5);
    EXPECT_EQ(k.position, 32);
    EXPECT_EQ(k.beta1_power, 0.5);
    EXPECT_EQ(k.shared_weights[0], 1.0);
    EXPECT_EQ(k.sum_rows, 32);
    EXPECT_EQ(k.sum_losses[1], 0.0);
    EXPECT_EQ(k.sum_steps, 0.0);
  }
}

}  // namespace
}  // namespace equipoise::test
