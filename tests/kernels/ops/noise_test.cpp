// tests/kernels/ops/noise_test.cpp - noise as a pure function of seed, replica, step, sample and element.
#include "kernels/ops/noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

/// What keys a draw.
struct NoiseKey {
  uint64_t seed = 5;
  uint32_t replica = 3;
  int64_t step = 8;
  int32_t stream = 0;
};

/// [blocks * n, cols] draws.
std::vector<float> noise(int batch, int n, int blocks, int cols, NoiseKey key = {}) {
  Rig rig(batch, n);
  rig.settings.seed = key.seed;
  rig.settings.replica = key.replica;
  rig.control().step = key.step;
  const View to = rig.matrix(blocks, cols);
  rig.run(DrawNoise{to, key.stream}, {rig.written(to)});
  std::vector<float> values;
  for (int r = 0; r < rig.rows(to); ++r) values.insert(values.end(), rig.row(to, r), rig.row(to, r) + cols);
  return values;
}

TEST(DrawNoise, IsPhiloxBlockBySampleAndFourColumns) {
  for (const Shape& s : kShapes) {
    const std::vector<float> values = noise(s.batch, s.n, 2, s.cols);
    const int groups = (s.cols + 3) / 4;
    for (int b = 0; b < 2; ++b)
      for (int r = 0; r < s.n; ++r)
        for (int c = 0; c < s.cols; ++c) {
          float four[4];
          normals(draw({5, 3, 8, static_cast<uint32_t>(Purpose::noise)},
                       static_cast<uint32_t>((b * s.batch + r) * groups + c / 4)),
                  four);
          EXPECT_EQ(values[static_cast<std::size_t>((b * s.n + r) * s.cols + c)], four[c % 4])
              << name_of(s) << " " << coordinate("noise", b * s.n + r, c);
        }
  }
}

TEST(DrawNoise, OfAShortBatchIsTheBeginningOfEachBlockOfTheFullOne) {
  const std::vector<float> full = noise(9, 9, 2, 10), part = noise(9, 4, 2, 10);
  for (int b = 0; b < 2; ++b)
    for (int i = 0; i < 4 * 10; ++i)
      EXPECT_EQ(part[static_cast<std::size_t>(b * 40 + i)], full[static_cast<std::size_t>(b * 90 + i)]);
}

TEST(DrawNoise, DiffersBySeedReplicaStepAndStream) {
  const std::vector<float> base = noise(4, 4, 1, 8);
  for (const NoiseKey& key :
       {NoiseKey{6, 3, 8}, NoiseKey{5, 4, 8}, NoiseKey{5, 3, 9}, NoiseKey{5, 3, 8, 1}, NoiseKey{5, 3, 8, 2}}) {
    const std::vector<float> other = noise(4, 4, 1, 8, key);
    for (std::size_t i = 0; i < base.size(); ++i) EXPECT_NE(base[i], other[i]) << i;
  }
}

TEST(DrawNoise, OfTwoStreamsIsUncorrelated) {
  const std::vector<float> first = noise(100, 100, 1, 200), second = noise(100, 100, 1, 200, {.stream = 1});
  double sum = 0;
  for (std::size_t i = 0; i < first.size(); ++i) sum += double{first[i]} * second[i];
  const double count = static_cast<double>(first.size());
  EXPECT_NEAR(sum / count, 0.0, 5 / std::sqrt(count)) << "five standard deviations of a mean of products";
}

TEST(DrawNoise, HasMeanZeroAndVarianceOne) {
  const std::vector<float> values = noise(300, 300, 2, 300);
  double sum = 0, squares = 0;
  for (float v : values) {
    sum += v;
    squares += double{v} * v;
  }
  const double count = static_cast<double>(values.size());
  // Five standard deviations of the mean, 1 / sqrt(count), and of the variance, sqrt(2 / count).
  EXPECT_NEAR(sum / count, 0.0, 5 / std::sqrt(count));
  EXPECT_NEAR(squares / count, 1.0, 5 * std::sqrt(2 / count));
}

}  // namespace
}  // namespace equipoise::test
