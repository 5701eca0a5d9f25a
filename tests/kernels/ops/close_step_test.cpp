// tests/kernels/ops/close_step_test.cpp - progress, epoch sums, powers of beta and the policy for a bad step.
#include "kernels/ops/close_step.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

constexpr CloseStep kTraining{3, 6, 2, 0, 0, true};
constexpr CloseStep kEvaluation{3, 6, 2, 0, 0, false};

/// A rig in the middle of an epoch of 70 rows: batch of 32 of which n are taken, two balancers of three tasks. The last
/// term, and the last task, are means over labels.
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
    for (int b = 0; b < 3; ++b) {
      k.step_norm[b] = 2.5 + b;
      k.certificate[b] = 3e-16 * (b + 1);
      k.worst_certificate[b] = 1e-16;
    }
    k.sum_terms[0] = 100;
    k.sum_term_rows[0] = k.sum_task_rows[0] = 32;
    for (int i = 0; i < 3; ++i) {
      k.weights[i] = 2.0 + i;
      k.shared_weights[i] = 1.0 + i;
      k.losses[i] = 10.0 * (i + 1);
      k.task_rows[i] = i == 2 ? 12.5 : n;
    }
    for (int i = 0; i < 9; ++i) k.norms[i] = 0.5 * (i + 1);
    for (int i = 0; i < 27; ++i) k.gram[i] = i;
    for (int t = 0; t < 8; ++t) k.terms[t] = t + 1, k.term_rows[t] = t == 5 ? 12.5 : n;
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

TEST(CloseStep, WeighsEpochSumsByWhatEachTermIsAMeanOver) {
  const Control k = Middle(6, 64).close(kTraining);
  EXPECT_EQ(k.sum_steps, 1);
  EXPECT_EQ(k.sum_term_rows[0], 38);
  EXPECT_EQ(k.sum_term_rows[4], 6);
  EXPECT_EQ(k.sum_term_rows[5], 12.5);
  EXPECT_EQ(k.sum_task_rows[0], 38);
  EXPECT_EQ(k.sum_task_rows[2], 12.5);
  EXPECT_EQ(k.sum_terms[0], 100 + 6 * 1.0);
  EXPECT_EQ(k.sum_terms[4], 6 * 5.0);
  EXPECT_EQ(k.sum_terms[5], 12.5 * 6.0);
  EXPECT_EQ(k.sum_losses[0], 6 * 10.0);
  EXPECT_EQ(k.sum_losses[2], 12.5 * 30.0);
  EXPECT_EQ(k.sum_terms[6], 0.0);
  EXPECT_EQ(k.sum_term_rows[6], 0.0) << "there are six terms";
  EXPECT_EQ(k.sum_norms[1], 1.0);
  EXPECT_EQ(k.sum_gram[7], 7.0);
  EXPECT_EQ(k.sum_gradient_norm, 6.0);
  EXPECT_EQ(k.sum_step_norm[0], 2.5);
  EXPECT_EQ(k.worst_certificate[0], 3e-16);
}

TEST(CloseStep, AddsATermThatIsASumOverTheBatchAsItIsAndCountsItsRows) {
  CloseStep op = kTraining;
  op.summed_terms = 1u << 1 | 1u << 5;
  op.summed_tasks = 1u << 0;
  const Control k = Middle(6, 64).close(op);
  EXPECT_EQ(k.sum_terms[0], 100 + 6 * 1.0);
  EXPECT_EQ(k.sum_terms[1], 2.0);
  EXPECT_EQ(k.sum_term_rows[1], 6);
  EXPECT_EQ(k.sum_terms[5], 6.0);
  EXPECT_EQ(k.sum_term_rows[5], 12.5);
  EXPECT_EQ(k.sum_losses[0], 10.0);
  EXPECT_EQ(k.sum_task_rows[0], 38);
  EXPECT_EQ(k.sum_losses[1], 6 * 20.0);
}

TEST(CloseStep, TellsTheLastOfAllTermsApart) {
  CloseStep op = kTraining;
  op.terms = kMaxTerms;
  op.summed_terms = uint64_t{1} << (kMaxTerms - 1);
  Middle m(6, 64);
  for (int t = 0; t < kMaxTerms; ++t) m.rig.control().terms[t] = 3.0, m.rig.control().term_rows[t] = 6.0;
  const Control k = m.close(op);
  EXPECT_EQ(k.sum_terms[kMaxTerms - 1], 3.0);
  EXPECT_EQ(k.sum_terms[kMaxTerms - 2], 18.0);
  EXPECT_EQ(k.sum_terms[15], 18.0) << "32 bits would wrap around to this one";
}

TEST(CloseStep, SumsWhatEveryBalancerOfTheProgramMeasured) {
  const Control k = Middle(6, 64).close(kTraining);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(k.sum_norms[i], 0.5 * (i + 1)) << i;
  for (int i = 0; i < 18; ++i) EXPECT_EQ(k.sum_gram[i], i);
  EXPECT_EQ(k.sum_step_norm[1], 3.5);
  EXPECT_EQ(k.worst_certificate[1], 6e-16);
  EXPECT_EQ(k.sum_norms[6], 0.0) << "there is no third";
  EXPECT_EQ(k.sum_gram[18], 0.0);
  EXPECT_EQ(k.sum_step_norm[2], 0.0);
  EXPECT_EQ(k.worst_certificate[2], 1e-16);
}

TEST(CloseStep, KeepsEveryBalancersWorstCertificateOfTheEpoch) {
  Middle m(32, 0);
  m.rig.control().worst_certificate[0] = 1e-15;
  const Control k = m.close(kTraining);
  EXPECT_EQ(k.worst_certificate[0], 1e-15);
  EXPECT_EQ(k.worst_certificate[1], 6e-16);
}

TEST(CloseStep, InEvaluationSumsLossesAndMovesOnButTrainsNothing) {
  Middle m(32, 0);
  m.rig.control().finite = 0;  // of some earlier training step: means nothing here
  const Control k = m.close(kEvaluation);
  EXPECT_EQ(k.sum_losses[1], 32 * 20.0);
  EXPECT_EQ(k.sum_norms[1], 0.0);
  EXPECT_EQ(k.sum_task_rows[1], 32);
  EXPECT_EQ(k.sum_gradient_norm, 0.0);
  EXPECT_EQ(k.sum_step_norm[1], 0.0);
  EXPECT_EQ(k.worst_certificate[1], 1e-16);
  EXPECT_EQ(k.beta1_power, 0.5);
  EXPECT_EQ(k.shared_weights[0], 1.0);
  EXPECT_EQ(k.skipped, 0);
  EXPECT_EQ(k.position, 32);
}

/// Numbers of a control's NaNs, all of them and the canonical ones.
std::pair<int, int> nans_of(const Control& k) {
  int all = 0, canonical = 0;
  for (std::size_t at = offsetof(Control, beta1_power); at + sizeof(double) <= sizeof k; at += sizeof(double)) {
    uint64_t bits;
    std::memcpy(&bits, reinterpret_cast<const unsigned char*>(&k) + at, sizeof bits);
    all += (bits & 0x7fffffffffffffffu) > 0x7ff0000000000000u;
    canonical += bits == kCanonicalNan;
  }
  return {all, canonical};
}

/// A NaN as some machine may make it: negative, with a payload.
double some_nan(int payload) { return bits_as<double>(0xfff8000000000000u + static_cast<unsigned>(payload)); }

TEST(CloseStep, OfABadStepLeavesTheSameNansOnEveryMachine) {
  Middle m(32, 0);
  m.rig.settings.on_nonfinite = OnNonfinite::freeze;
  Control& k = m.rig.control();
  k.finite = 0;
  int planted = 0;
  const auto plant = [&](double* values, int count) {
    for (int i = 0; i < count; ++i) values[i] = some_nan(planted++);
  };
  for (double* of_balancers : {k.gradnorm_loss, k.step_norm, k.certificate, k.norms, k.targets, k.shared_weights})
    plant(of_balancers, kTraining.balancers);
  for (double* of_tasks : {k.losses, k.task_rows, k.private_weights}) plant(of_tasks, kTraining.tasks);
  for (double* of_terms : {k.terms, k.term_slope, k.term_rows}) plant(of_terms, kTraining.terms);
  plant(k.gram, kTraining.balancers * kTraining.tasks * kTraining.tasks);
  plant(&k.gradient_norm, 1);
  plant(&k.label_weight, 1);
  EXPECT_EQ(nans_of(k), std::pair(planted, 0));
  EXPECT_EQ(nans_of(m.close(kTraining)), std::pair(planted, planted));
}

TEST(CloseStep, OfAnEvaluationLeavesTheSameNansOnEveryMachine) {
  Middle m(32, 0);
  Control& k = m.rig.control();
  k.losses[1] = some_nan(3);
  k.terms[2] = some_nan(4);
  EXPECT_EQ(nans_of(m.close(kEvaluation)), std::pair(4, 4)) << "two values and their sums";
  k.losses[1] = k.terms[2] = 1.0;
  k.sum_losses[1] = some_nan(5);  // as a machine's addition may leave it, in a later step that is good
  EXPECT_EQ(nans_of(m.close(kEvaluation)), std::pair(2, 2));
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
    EXPECT_EQ(k.sum_term_rows[0], 32);
    EXPECT_EQ(k.sum_task_rows[0], 32);
    EXPECT_EQ(k.sum_losses[1], 0.0);
    EXPECT_EQ(k.sum_steps, 0.0);
  }
}

}  // namespace
}  // namespace equipoise::test
