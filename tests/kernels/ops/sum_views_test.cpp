// tests/kernels/ops/sum_views_test.cpp - weighted sums of rectangles, overwriting and accumulating, on every team.
#include "kernels/ops/sum_views.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

constexpr float kCoefficients[] = {0.5f, -1.25f, 1.0f, 0.3f};

void expect_sum(const Shape& s, int count, bool accumulate, bool weighted) {
  reference::Draws draws(31);
  Rig rig(s.batch, s.n);
  SumViews op{};
  op.to = rig.matrix(2, s.cols);
  op.count = count;
  op.accumulate = accumulate;
  rig.control().shared_weights[1] = 0.7;
  if (accumulate) rig.fill(op.to, draws);
  for (int i = 0; i < count; ++i) {
    op.from[i] = rig.matrix(2, s.cols);
    rig.fill(op.from[i], draws);
    op.coefficient[i] = kCoefficients[i];
    op.task[i] = weighted && i % 2 == 1 ? 1 : -1;
  }
  std::vector<double> expected, magnitude;
  for (int r = 0; r < rig.rows(op.to); ++r)
    for (int c = 0; c < s.cols; ++c) {
      double sum = accumulate ? rig.row(op.to, r)[c] : 0.0, size = std::fabs(sum);
      for (int i = 0; i < count; ++i) {
        const double term = double{kCoefficients[i]} * (op.task[i] == 1 ? 0.7 : 1.0) * rig.row(op.from[i], r)[c];
        sum += term;
        size += std::fabs(term);
      }
      expected.push_back(sum);
      magnitude.push_back(size);
    }
  rig.run(op, {rig.written(op.to)});
  const Tolerance t{.rel = 6 * kRounding, .why = "a rounded weight, its product, and one fma a summand"};
  for (int r = 0; r < rig.rows(op.to); ++r)
    for (int c = 0; c < s.cols; ++c) {
      const auto i = static_cast<std::size_t>(r * s.cols + c);
      expect_close(rig.row(op.to, r)[c], expected[i], magnitude[i], t, name_of(s) + " " + coordinate("to", r, c));
    }
}

TEST(SumViews, AddsUpToFourSummandsWithTheirCoefficientsAndTaskWeights) {
  for (const Shape& s : kShapes)
    for (int count = 1; count <= kMaxSummands; ++count)
      for (bool accumulate : {false, true}) expect_sum(s, count, accumulate, true);
}

TEST(SumViews, OfOneSummandWithCoefficientOneCopiesBits) {
  reference::Draws draws(32);
  Rig rig(5, 4);
  const View from = rig.matrix(2, 21), to = rig.matrix(3, 40);
  SumViews op{};
  op.to = Rig::part(to, 2, 1, 17, 13);
  op.from[0] = Rig::part(from, 1, 1, 3, 13);
  op.coefficient[0] = 1.0f;
  op.task[0] = -1;
  op.count = 1;
  rig.fill(op.from[0], draws);
  rig.run(op, {rig.written(op.to)});
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 13; ++c) EXPECT_EQ(rig.row(op.to, r)[c], rig.row(op.from[0], r)[c]) << coordinate("to", r, c);
}

TEST(SumViews, OfNothingFillsWithZerosUnlessItAccumulates) {
  reference::Draws draws(33);
  Rig rig(3);
  SumViews op{};
  op.to = rig.matrix(1, 20);
  rig.run(op, {rig.written(op.to)});
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 20; ++c) EXPECT_EQ(rig.row(op.to, r)[c], 0.0f);
  rig.fill(op.to, draws);
  op.accumulate = true;
  rig.run(op, {});
}

}  // namespace
}  // namespace equipoise::test
