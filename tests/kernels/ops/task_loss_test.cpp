// tests/kernels/ops/task_loss_test.cpp - task losses from the sums of their terms.
#include "kernels/ops/task_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

/// A task of terms with the given sums, what divides each, and the labelled entries of those that count them.
struct LossCase {
  TaskForm form;
  std::vector<double> sums;
  std::vector<Divisor> divisors;
  std::vector<double> counts{};
};

Control control_after(const LossCase& s, double label_weight) {
  Rig rig(8, 6);
  rig.control().label_weight = label_weight;
  for (double& v : rig.control().terms) v = NAN;
  for (double& v : rig.control().losses) v = NAN;
  for (double& v : rig.control().term_rows) v = NAN;
  for (double& v : rig.control().task_rows) v = NAN;
  TaskLoss op{};
  op.task = 1;
  op.form = s.form;
  op.terms = static_cast<int32_t>(s.sums.size());
  for (std::size_t t = 0; t < s.sums.size(); ++t) {
    op.term[t] = static_cast<int32_t>(3 + t);
    op.sum[t] = rig.doubles(1);
    rig.set_double(op.sum[t], 0, s.sums[t]);
    op.divisor[t] = s.divisors[t];
    if (!s.counts.empty()) {
      op.count[t] = rig.doubles(1);
      rig.set_double(op.count[t], 0, s.counts[t]);
    }
    op.per_row[t] = 2.0 + static_cast<double>(t);
  }
  rig.run(op, {});
  return rig.control();
}

TEST(TaskLoss, SumsItsTermsEachOverItsOwnDivisor) {
  const Control k =
      control_after({TaskForm::sum, {24, 9, 40}, {Divisor::rows, Divisor::label_weight, Divisor::rows}}, 1.5);
  EXPECT_DOUBLE_EQ(k.terms[3], 24.0 / (6 * 2));
  EXPECT_DOUBLE_EQ(k.terms[4], 9.0 / (1.5 * 3));
  EXPECT_DOUBLE_EQ(k.terms[5], 40.0 / (6 * 4));
  EXPECT_DOUBLE_EQ(k.losses[1], k.terms[3] + k.terms[4] + k.terms[5]);
  EXPECT_EQ(k.present[1], 1);
  for (int t = 3; t < 6; ++t) EXPECT_EQ(k.term_slope[t], 1.0);
  EXPECT_TRUE(std::isnan(k.losses[0]) && std::isnan(k.losses[2]) && std::isnan(k.terms[2]) && std::isnan(k.terms[6]));
}

TEST(TaskLoss, OfFourTermsAndOfOne) {
  EXPECT_DOUBLE_EQ(control_after({TaskForm::sum, {12}, {Divisor::rows}}, 1).losses[1], 1.0);
  const std::vector<Divisor> rows(4, Divisor::rows);
  EXPECT_DOUBLE_EQ(control_after({TaskForm::sum, {12, 18, 24, 30}, rows}, 1).losses[1], 4.0);
}

TEST(TaskLoss, AsARatioHasItsSlopesByBothTerms) {
  const Control k = control_after({TaskForm::ratio, {36, 9}, {Divisor::rows, Divisor::rows}}, 1);
  const double a = 36.0 / 12, b = 9.0 / 18;
  EXPECT_DOUBLE_EQ(k.losses[1], a / b);
  EXPECT_DOUBLE_EQ(k.term_slope[3], 1 / b);
  EXPECT_DOUBLE_EQ(k.term_slope[4], -a / (b * b));
}

TEST(TaskLoss, AsADifferenceMayBeNegative) {
  const Control k = control_after({TaskForm::difference, {12, 54}, {Divisor::rows, Divisor::rows}}, 1);
  EXPECT_DOUBLE_EQ(k.losses[1], -2.0);
  EXPECT_EQ(k.term_slope[3], 1.0);
  EXPECT_EQ(k.term_slope[4], -1.0);
}

TEST(TaskLoss, WhoseDenominatorVanishesIsNotFinite) {
  EXPECT_TRUE(std::isinf(control_after({TaskForm::ratio, {36, 0}, {Divisor::rows, Divisor::rows}}, 1).losses[1]));
  EXPECT_TRUE(std::isnan(control_after({TaskForm::ratio, {0, 0}, {Divisor::rows, Divisor::rows}}, 1).losses[1]));
}

TEST(TaskLoss, WithoutALabelIsZeroAndAbsent) {
  const Control k = control_after({TaskForm::sum, {NAN}, {Divisor::label_weight}}, 0.0);
  EXPECT_EQ(k.losses[1], 0.0);
  EXPECT_EQ(k.present[1], 0);
}

TEST(TaskLoss, IsAbsentWhereAnyOfItsTermsHasNoRow) {
  const std::vector<Divisor> kinds{Divisor::label_weight, Divisor::counted, Divisor::rows};
  for (const std::size_t without : {0, 1, 2}) {  // 2: none is without
    const Control k =
        control_after({TaskForm::sum, {12, 9, 24}, kinds, {0, without == 1 ? 0.0 : 3.0, 0}}, without == 0 ? 0.0 : 2.0);
    EXPECT_EQ(k.present[1], without == 2 ? 1 : 0) << without;
    const double terms[] = {without == 0 ? 0 : 12.0 / (2 * 2), without == 1 ? 0 : 9.0 / (3 * 3), 24.0 / (6 * 4)};
    EXPECT_DOUBLE_EQ(k.losses[1], terms[0] + terms[1] + terms[2]) << without;
  }
}

TEST(TaskLoss, DividesByTheLabelledEntriesOfItsTargets) {
  const Control k = control_after({TaskForm::sum, {24, 9}, {Divisor::counted, Divisor::counted}, {4, 5}}, 1.5);
  EXPECT_DOUBLE_EQ(k.terms[3], 24.0 / (4 * 2));
  EXPECT_DOUBLE_EQ(k.terms[4], 9.0 / (5 * 3));
  EXPECT_DOUBLE_EQ(k.losses[1], k.terms[3] + k.terms[4]);
  EXPECT_EQ(k.present[1], 1);
}

TEST(TaskLoss, WithoutALabelledEntryIsZeroAndAbsent) {
  const Control k = control_after({TaskForm::sum, {0}, {Divisor::counted}, {0}}, 1.5);
  EXPECT_EQ(k.losses[1], 0.0);
  EXPECT_EQ(k.terms[3], 0.0);
  EXPECT_EQ(k.present[1], 0);
}

TEST(TaskLoss, OfASumOverTheBatchIsNotDivided) {
  const Control k = control_after({TaskForm::sum, {24, 9}, {Divisor::none, Divisor::rows}}, 1.5);
  EXPECT_DOUBLE_EQ(k.terms[3], 24.0 / 2);
  EXPECT_DOUBLE_EQ(k.terms[4], 9.0 / (6 * 3));
  EXPECT_DOUBLE_EQ(k.losses[1], k.terms[3] + k.terms[4]);
  EXPECT_EQ(k.present[1], 1);
}

TEST(TaskLoss, SaysWhatEachTermIsAMeanOverAndGivesTheTaskThatOfItsFirst) {
  const std::vector<Divisor> kinds{Divisor::label_weight, Divisor::rows, Divisor::counted, Divisor::none};
  const Control k = control_after({TaskForm::sum, {1, 2, 3, 4}, kinds, {0, 0, 11, 0}}, 1.5);
  EXPECT_EQ(k.term_rows[3], 1.5);
  EXPECT_EQ(k.term_rows[4], 6.0);
  EXPECT_EQ(k.term_rows[5], 11.0);
  EXPECT_EQ(k.term_rows[6], 6.0) << "a sum over the batch weighs by its rows in an epoch's mean";
  EXPECT_EQ(k.task_rows[1], 1.5);
  EXPECT_TRUE(std::isnan(k.term_rows[2]) && std::isnan(k.term_rows[7]));
  EXPECT_TRUE(std::isnan(k.task_rows[0]) && std::isnan(k.task_rows[2]));
}

TEST(TaskLoss, OfANaNIsNaN) {
  EXPECT_TRUE(std::isnan(control_after({TaskForm::sum, {1, NAN}, {Divisor::rows, Divisor::rows}}, 1).losses[1]));
}

}  // namespace
}  // namespace equipoise::test
