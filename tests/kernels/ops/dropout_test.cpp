// tests/kernels/ops/dropout_test.cpp - dropout masks as a pure function of seed, replica, step, stream, sample and
// element, and the product with them.
#include "kernels/ops/dropout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

/// What keys a draw.
struct MaskKey {
  uint64_t seed = 5;
  uint32_t replica = 3;
  int64_t step = 8;
  int32_t stream = 0;
};

/// [blocks * n, cols] draws.
std::vector<float> mask(const Shape& s, int blocks, float rate, MaskKey key = {}) {
  Rig rig(s.batch, s.n);
  rig.settings.seed = key.seed;
  rig.settings.replica = key.replica;
  rig.control().step = key.step;
  const View to = rig.matrix(blocks, s.cols);
  rig.settings.dropout = double{rate};
  rig.run(DrawMask{to, key.stream}, {rig.written(to)});
  std::vector<float> values;
  for (int r = 0; r < rig.rows(to); ++r) values.insert(values.end(), rig.row(to, r), rig.row(to, r) + s.cols);
  return values;
}

double share_kept(const std::vector<float>& values) {
  double kept = 0;
  for (const float v : values) kept += v != 0;
  return kept / static_cast<double>(values.size());
}

/// Share of places where one of two masks keeps what the other drops.
double share_unlike(const std::vector<float>& a, const std::vector<float>& b) {
  double unlike = 0;
  for (std::size_t i = 0; i < a.size(); ++i) unlike += a[i] != b[i];
  return unlike / static_cast<double>(a.size());
}

/// Five standard deviations of the share of `count` draws that come out with probability p.
double five_sigma(double p, std::size_t count) { return 5 * std::sqrt(p * (1 - p) / static_cast<double>(count)); }

TEST(DrawMask, DropsByThePhiloxWordOfSampleAndColumn) {
  for (const Shape& s : kShapes)
    for (const float rate : {0.1f, 0.5f, 0.9f}) {
      const std::vector<float> values = mask(s, 2, rate);
      const int groups = (s.cols + 3) / 4;
      for (int b = 0; b < 2; ++b)
        for (int r = 0; r < s.n; ++r)
          for (int c = 0; c < s.cols; ++c) {
            const PhiloxBlock words = draw({5, 3, 8, static_cast<uint32_t>(Purpose::dropout)},
                                           static_cast<uint32_t>((b * s.batch + r) * groups + c / 4));
            const float expected = uniform01(words.v[c % 4]) < rate ? 0.0f : 1.0f / (1.0f - rate);
            EXPECT_EQ(values[static_cast<std::size_t>((b * s.n + r) * s.cols + c)], expected)
                << name_of(s) << " " << coordinate("mask", b * s.n + r, c);
          }
    }
}

TEST(DrawMask, KeepsTheShareThatTheRateLeavesAndTheMeanOfAllAtOne) {
  for (const float rate : {0.1f, 0.5f, 0.8f}) {
    const std::vector<float> values = mask({200, 200, 300}, 2, rate);
    const double kept = 1.0 - double{rate}, sigma = five_sigma(kept, values.size());
    EXPECT_NEAR(share_kept(values), kept, sigma) << rate;
    double sum = 0;
    for (const float v : values) sum += v;
    EXPECT_NEAR(sum / static_cast<double>(values.size()), 1.0, sigma / kept + kRounding) << rate;
  }
}

TEST(DrawMask, OfRateZeroKeepsEverythingAsItIs) {
  for (const float v : mask({32, 18, 81}, 2, 0.0f)) EXPECT_EQ(v, 1.0f);
}

TEST(DrawMask, OfAShortBatchIsTheBeginningOfEachBlockOfTheFullOne) {
  const std::vector<float> full = mask({9, 9, 10}, 2, 0.5f), part = mask({9, 4, 10}, 2, 0.5f);
  for (int b = 0; b < 2; ++b)
    for (int i = 0; i < 4 * 10; ++i)
      EXPECT_EQ(part[static_cast<std::size_t>(b * 40 + i)], full[static_cast<std::size_t>(b * 90 + i)]);
}

TEST(DrawMask, DropsOthersForAnotherSeedReplicaStepOrStream) {
  const Shape s{50, 50, 200};
  const std::vector<float> base = mask(s, 1, 0.5f);
  // Independent masks of rate 1/2 differ in half of their places.
  const double sigma = five_sigma(0.5, base.size());
  for (const MaskKey& key :
       {MaskKey{6, 3, 8, 0}, MaskKey{5, 4, 8, 0}, MaskKey{5, 3, 9, 0}, MaskKey{5, 3, 8, 1}, MaskKey{5, 3, 8, 2}})
    EXPECT_NEAR(share_unlike(base, mask(s, 1, 0.5f, key)), 0.5, sigma)
        << key.seed << " " << key.replica << " " << key.step << " " << key.stream;
}

TEST(DrawMask, DropsOthersInEachBlockAndRow) {
  const Shape s{100, 100, 100};
  const std::vector<float> values = mask(s, 2, 0.5f);
  const auto block = static_cast<std::ptrdiff_t>(values.size() / 2);
  const std::vector<float> first(values.begin(), values.begin() + block), second(values.begin() + block, values.end());
  EXPECT_NEAR(share_unlike(first, second), 0.5, five_sigma(0.5, first.size()));
  const std::vector<float> shifted(first.begin() + s.cols, first.end());
  EXPECT_NEAR(share_unlike(shifted, first), 0.5, five_sigma(0.5, shifted.size()));
}

TEST(DrawMask, HasNothingToDoWithTheNoiseOfTheSameStep) {
  const DrawKey dropout{5, 3, 8, purpose_of(Purpose::dropout, 0)}, noise{5, 3, 8, purpose_of(Purpose::noise, 0)};
  for (uint32_t b = 0; b < 50; ++b) EXPECT_NE(draw(dropout, b).v[0], draw(noise, b).v[0]) << b;
}

/// to (=, +=) a b of two or one blocks; `in_place` overwrites a.
void expect_products(const Shape& s, bool accumulate, bool in_place) {
  reference::Draws draws(51);
  Rig rig(s.batch, s.n);
  const View a = rig.matrix(2, s.cols), b = rig.matrix(2, s.cols), to = in_place ? a : rig.matrix(2, s.cols);
  rig.fill(a, draws);
  rig.fill(b, draws);
  if (!in_place) rig.fill(to, draws);
  std::vector<double> expected, magnitude;
  for (int r = 0; r < rig.rows(to); ++r)
    for (int c = 0; c < s.cols; ++c) {
      const double product = double{rig.row(a, r)[c]} * rig.row(b, r)[c];
      const double before = accumulate ? double{rig.row(to, r)[c]} : 0.0;
      expected.push_back(before + product);
      magnitude.push_back(std::fabs(before + product));
    }
  rig.run(Multiply{a, b, to, accumulate}, {rig.written(to)});
  const Tolerance t{.rel = 1.01 * kRounding, .why = "one rounding of a product, or of a fused sum"};
  std::size_t at = 0;
  for (int r = 0; r < rig.rows(to); ++r)
    for (int c = 0; c < s.cols; ++c, ++at)
      expect_close(rig.row(to, r)[c], expected[at], magnitude[at], t, name_of(s) + " " + coordinate("to", r, c));
}

TEST(Multiply, WritesOrAddsTheProductOfEveryElement) {
  for (const Shape& s : kShapes)
    for (const bool accumulate : {false, true}) expect_products(s, accumulate, false);
}

TEST(Multiply, MayOverwriteAFactor) {
  for (const Shape& s : kShapes) expect_products(s, false, true);
}

TEST(Multiply, OfPartsOfMatricesLeavesTheRestAlone) {
  reference::Draws draws(52);
  Rig rig(4, 3);
  const View wide = rig.matrix(2, 30), masks = rig.matrix(1, 19), out = rig.matrix(2, 40);
  rig.fill(wide, draws);
  rig.fill(masks, draws);
  const View a = Rig::part(wide, 1, 1, 3, 19), to = Rig::part(out, 1, 1, 20, 19);
  rig.run(Multiply{a, masks, to, false}, {rig.written(to)});
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 19; ++c) EXPECT_EQ(rig.row(to, r)[c], rig.row(a, r)[c] * rig.row(masks, r)[c]);
}

TEST(Multiply, ByAMaskDropsUnitsAndScalesTheRest) {
  constexpr int kCols = 40;
  reference::Draws draws(53);
  Rig rig(6);
  const View x = rig.matrix(1, kCols), m = rig.matrix(1, kCols), y = rig.matrix(1, kCols);
  rig.fill(x, draws, 1, 2);
  rig.settings.dropout = 0.75;
  rig.run(DrawMask{m, 4}, {rig.written(m)});
  rig.run(Multiply{x, m, y, false}, {rig.written(y)});
  int dropped = 0;
  for (int r = 0; r < 6; ++r)
    for (int c = 0; c < kCols; ++c) {
      dropped += rig.row(y, r)[c] == 0;
      EXPECT_TRUE(rig.row(y, r)[c] == 0 || rig.row(y, r)[c] == 4 * rig.row(x, r)[c]);
    }
  EXPECT_NEAR(dropped / 240.0, 0.75, five_sigma(0.75, 240));
}

}  // namespace
}  // namespace equipoise::test
