// tests/kernels/ops/cross_entropy_test.cpp - cross-entropy with class weights and unlabelled rows.
#include "kernels/ops/cross_entropy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

/// A cross-entropy over a rig's own labels and class weights.
struct EntropyRig {
  EntropyRig(const Shape& s, std::vector<int> rows_labels, uint64_t seed)
      : rig(s.batch, s.n), label(std::move(rows_labels)) {
    reference::Draws draws(seed);
    x = rig.matrix(1, s.cols);
    dx = rig.matrix(1, s.cols);
    labels = rig.ints(s.batch);
    slots = rig.doubles(s.batch);
    rig.fill(x, draws, -4, 4);
    class_weight.assign(2, std::numeric_limits<float>::quiet_NaN());  // another split's
    for (int c = 0; c < s.cols; ++c) class_weight.push_back(0.25f + 0.5f * static_cast<float>(c % 5));
    rig.settings.first_class_weight = 2;
    rig.data.class_weights = class_weight.data();
    for (int r = 0; r < s.n; ++r) {
      rig.set_int(labels, r, label[static_cast<std::size_t>(r)]);
      if (label[static_cast<std::size_t>(r)] >= 0) total += weight(label[static_cast<std::size_t>(r)]);
    }
    rig.control().label_weight = total;
    rig.control().shared_weights[2] = 0.3;
  }
  double weight(int c) const { return class_weight[static_cast<std::size_t>(2 + c)]; }
  void run(float scale, int task, bool has_gradient) {
    std::vector<Written> writes{Rig::written_doubles(slots, rig.n())};
    if (has_gradient) writes.push_back(rig.written(dx));
    rig.run(CrossEntropy{x, labels, dx, slots, scale, task, has_gradient}, writes);
  }

  Rig rig;
  std::vector<int> label;
  View x{}, dx{};
  Place labels{}, slots{};
  std::vector<float> class_weight;
  double total = 0;
};

std::vector<int> labels_of(const Shape& s, int every_unlabelled) {
  std::vector<int> label;
  for (int r = 0; r < s.n; ++r)
    label.push_back(every_unlabelled > 0 && r % every_unlabelled == 0 ? -1 : (7 * r + 1) % s.cols);
  return label;
}

TEST(CrossEntropy, IsTheReferencesWithClassWeightsAndUnlabelledRows) {
  for (const Shape& s : kShapes)
    for (int every : {0, 3})
      for (int task : {-1, 2}) {
        EntropyRig e(s, labels_of(s, every), 53);
        if (e.total == 0) continue;
        e.run(0.5f, task, true);
        std::vector<double> weights;
        for (int c = 0; c < s.cols; ++c) weights.push_back(e.weight(c));
        const reference::CrossEntropy expected = reference::cross_entropy(to_matrix(e.rig, e.x), e.label, weights);
        double sum = 0;
        for (int r = 0; r < s.n; ++r) sum += e.rig.double_at(e.slots, r);
        const Tolerance t{.rel = (s.cols + 16) * kRounding,
                          .why = "n u for a sum of n positive terms, then a logarithm"};
        expect_close(sum / e.total, expected.loss, 1.0 + std::fabs(expected.loss), t, name_of(s) + " loss");
        for (int r = 0; r < s.n; ++r)
          for (int c = 0; c < s.cols; ++c) {
            const double factor = 0.5 * (task < 0 ? 1.0 : 0.3);
            const double largest = factor * e.weight(std::max(e.label[static_cast<std::size_t>(r)], 0)) / e.total;
            expect_close(e.rig.row(e.dx, r)[c], factor * expected.gradient.at(r, c), largest, t,
                         name_of(s) + " " + coordinate("dx", r, c));
          }
      }
}

TEST(CrossEntropy, OfAnUnlabelledRowIsExactlyZeroEvenIfItsScoresAreNaN) {
  const Shape s{3, 3, 4};
  EntropyRig e(s, {1, -1, 2}, 54);
  for (int c = 0; c < 4; ++c) e.rig.row(e.x, 1)[c] = std::numeric_limits<float>::quiet_NaN();
  e.run(1.0f, -1, true);
  EXPECT_EQ(e.rig.double_at(e.slots, 1), 0.0);
  for (int c = 0; c < 4; ++c) EXPECT_EQ(e.rig.row(e.dx, 1)[c], 0.0f);
}

TEST(CrossEntropy, OfABatchWithoutLabelsIsZeroThroughout) {
  const Shape s{4, 4, 3};
  EntropyRig e(s, {-1, -1, -1, -1}, 55);
  ASSERT_EQ(e.total, 0.0);
  e.run(1.0f, 2, true);
  for (int r = 0; r < 4; ++r) {
    EXPECT_EQ(e.rig.double_at(e.slots, r), 0.0);
    for (int c = 0; c < 3; ++c) EXPECT_EQ(e.rig.row(e.dx, r)[c], 0.0f);
  }
}

TEST(CrossEntropy, WithoutAGradientWritesSlotsOnly) {
  EntropyRig e({5, 4, 3}, {0, 1, 2, -1}, 56);
  e.run(1.0f, -1, false);
  EXPECT_GT(e.rig.double_at(e.slots, 0), 0.0);
}

TEST(CrossEntropy, OfHugeScoresIsTheirDifference) {
  EntropyRig e({1, 1, 2}, {1}, 57);
  e.rig.row(e.x, 0)[0] = 1000.0f;
  e.rig.row(e.x, 0)[1] = -1000.0f;
  e.run(1.0f, -1, true);
  EXPECT_EQ(e.rig.double_at(e.slots, 0), 2000.0 * e.weight(1));
  EXPECT_EQ(e.rig.row(e.dx, 0)[0], 1.0f);
  EXPECT_EQ(e.rig.row(e.dx, 0)[1], -1.0f);
}

TEST(CrossEntropy, OfALabelledNaNIsNaN) {
  EntropyRig e({1, 1, 3}, {1}, 58);
  e.rig.row(e.x, 0)[2] = std::numeric_limits<float>::quiet_NaN();
  e.run(1.0f, -1, true);
  EXPECT_TRUE(std::isnan(e.rig.double_at(e.slots, 0)));
  EXPECT_TRUE(std::isnan(e.rig.row(e.dx, 0)[0]));
}

}  // namespace
}  // namespace equipoise::test
