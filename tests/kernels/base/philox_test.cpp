// tests/kernels/base/philox_test.cpp - Philox against published vectors and cuRAND, and the distributions of the draws.
#include "kernels/base/philox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

// cuRAND's own generator compiles for the host when the toolkit's headers are in the include path.
#if __has_include(<curand_philox4x32_x.h>) && __has_include(<nv/target>) && __has_include(<vector_types.h>)
#define EQ_TEST_HAS_CURAND 1
#include <vector_types.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-function"
#define QUALIFIERS static inline
#include <curand_philox4x32_x.h>
#undef QUALIFIERS
#pragma GCC diagnostic pop
#endif

namespace equipoise {
namespace {

using Words = std::array<uint32_t, 4>;

Words words(const PhiloxBlock& block) { return {block.v[0], block.v[1], block.v[2], block.v[3]}; }

// The known answers of Random123 1.x (kat_vectors) for philox4x32 with 10 rounds.
TEST(Philox, MatchesThePublishedVectors) {
  EXPECT_EQ(words(philox({{0, 0, 0, 0}}, {{0, 0}})), (Words{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  EXPECT_EQ(words(philox({{~0u, ~0u, ~0u, ~0u}}, {{~0u, ~0u}})),
            (Words{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  EXPECT_EQ(words(philox({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}}, {{0xa4093822u, 0x299f31d0u}})),
            (Words{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

TEST(Philox, GivesTheWordsOfCurandsOwnCode) {
#ifdef EQ_TEST_HAS_CURAND
  std::mt19937 engine(7);
  for (int i = 0; i < 100000; ++i) {
    const PhiloxCounter c{{static_cast<uint32_t>(engine()), static_cast<uint32_t>(engine()),
                           static_cast<uint32_t>(engine()), static_cast<uint32_t>(engine())}};
    const PhiloxKey k{{static_cast<uint32_t>(engine()), static_cast<uint32_t>(engine())}};
    const uint4 theirs = curand_Philox4x32_10(uint4{c.v[0], c.v[1], c.v[2], c.v[3]}, uint2{k.v[0], k.v[1]});
    ASSERT_EQ(words(philox(c, k)), (Words{theirs.x, theirs.y, theirs.z, theirs.w})) << "after " << i << " blocks";
  }
#else
  GTEST_SKIP() << "curand_philox4x32_x.h is not in the include path (no CUDA toolkit)";
#endif
}

TEST(Draw, PlacesEveryPartOfTheKeyInItsOwnWord) {
  const DrawKey key{0x299f31d0a4093822u, 0x13198a2eu, 0x85a308d3u, 0x03707344u};
  EXPECT_EQ(words(draw(key, 0x243f6a88u)), (Words{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

TEST(Draw, ChangesWithEveryPartOfItsKey) {
  const auto noise = static_cast<uint32_t>(Purpose::noise);
  const auto dropout = static_cast<uint32_t>(Purpose::dropout);
  const std::vector<Words> blocks = {words(draw({1, 2, 3, noise}, 4)),
                                     words(draw({5, 2, 3, noise}, 4)),
                                     words(draw({uint64_t{1} << 32 | 1, 2, 3, noise}, 4)),
                                     words(draw({1, 5, 3, noise}, 4)),
                                     words(draw({1, 2, 5, noise}, 4)),
                                     words(draw({1, 2, 3, dropout}, 4)),
                                     words(draw({1, 2, 3, noise}, 5))};
  std::set<uint32_t> all;
  for (const Words& block : blocks) all.insert(block.begin(), block.end());
  EXPECT_EQ(all.size(), 4 * blocks.size());
}

TEST(Draw, OfTheFirstStreamIsThatOfItsPurposeAndNoTwoAreAlike) {
  std::set<uint32_t> all;
  for (uint32_t purpose = 1; purpose <= static_cast<uint32_t>(Purpose::graddrop); ++purpose) {
    EXPECT_EQ(purpose_of(static_cast<Purpose>(purpose), 0), purpose);
    for (const int stream : {0, 1, 2, 255, 256, (1 << 24) - 1})
      all.insert(purpose_of(static_cast<Purpose>(purpose), stream));
  }
  EXPECT_EQ(all.size(), static_cast<uint32_t>(Purpose::graddrop) * 6u);
}

TEST(Uniform, CoversItsIntervalAndNoMore) {
  EXPECT_EQ(uniform01(0u), 0.0f);
  EXPECT_EQ(uniform01(0xffu), 0.0f);
  EXPECT_EQ(uniform01(0x100u), 0x1p-24f);
  EXPECT_EQ(uniform01(~0u), 1.0f - 0x1p-24f);
  EXPECT_EQ(uniform_open(0u), 0x1p-24f);
  EXPECT_EQ(uniform_open(~0u), 1.0f - 0x1p-24f);
}

TEST(Uniform, FillsAThousandBinsEvenly) {
  constexpr int kBins = 1000, kDraws = 1000000;
  std::vector<int> closed(kBins), open(kBins);
  const DrawKey key{11, 0, 0, static_cast<uint32_t>(Purpose::dropout)};
  for (uint32_t block = 0; block < kDraws / 4; ++block) {
    for (const uint32_t word : draw(key, block).v) {
      ++closed[static_cast<size_t>(uniform01(word) * kBins)];
      ++open[static_cast<size_t>(uniform_open(word) * kBins)];
    }
  }
  const auto chi_square = [](const std::vector<int>& counts) {
    const double expected = double{kDraws} / kBins;
    double sum = 0;
    for (const int c : counts) sum += (c - expected) * (c - expected) / expected;
    return sum;
  };
  // 999 degrees of freedom: 999 +- 5 standard deviations of sqrt(2 * 999).
  EXPECT_NEAR(chi_square(closed), 999, 5 * std::sqrt(2.0 * 999));
  EXPECT_NEAR(chi_square(open), 999, 5 * std::sqrt(2.0 * 999));
}

std::vector<float> million_normals(uint64_t seed) {
  std::vector<float> z(1000000);
  const DrawKey key{seed, 3, 17, static_cast<uint32_t>(Purpose::noise)};
  for (uint32_t block = 0; block < z.size() / 4; ++block) normals(draw(key, block), &z[4 * block]);
  return z;
}

TEST(Normals, HaveTheMomentsOfAStandardNormal) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    const std::vector<float> z = million_normals(seed);
    const double n = static_cast<double>(z.size());
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    for (const float v : z) {
      const double x = v;
      m1 += x / n;
      m2 += x * x / n;
      m3 += x * x * x / n;
      m4 += x * x * x * x / n;
    }
    // Each within 5 standard errors: the k-th raw moment of n normals has variance ((2k-1)!! - E[x^k]^2) / n.
    EXPECT_NEAR(m1, 0, 5 * std::sqrt(1 / n)) << "seed " << seed;
    EXPECT_NEAR(m2, 1, 5 * std::sqrt(2 / n)) << "seed " << seed;
    EXPECT_NEAR(m3, 0, 5 * std::sqrt(15 / n)) << "seed " << seed;
    EXPECT_NEAR(m4, 3, 5 * std::sqrt(96 / n)) << "seed " << seed;
  }
}

TEST(Normals, FollowTheNormalDistributionFunction) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    std::vector<float> z = million_normals(seed);
    std::sort(z.begin(), z.end());
    const double n = static_cast<double>(z.size());
    double distance = 0;
    for (size_t i = 0; i < z.size(); ++i) {
      const double cdf = 0.5 * std::erfc(-z[i] / std::sqrt(2.0));
      distance = std::max(
          {distance, std::fabs(cdf - static_cast<double>(i) / n), std::fabs(cdf - static_cast<double>(i + 1) / n)});
    }
    // Kolmogorov: P(sqrt(n) distance > 1.95) = 0.001; the seeds are fixed, so this passes always or never.
    EXPECT_LT(std::sqrt(n) * distance, 1.95) << "seed " << seed;
  }
}

TEST(Normals, OfOneBlockAreUncorrelated) {
  const std::vector<float> z = million_normals(4);
  const double blocks = static_cast<double>(z.size()) / 4;
  for (size_t a = 0; a < 4; ++a) {
    for (size_t b = 0; b < a; ++b) {
      double sum = 0, squares = 0;
      for (size_t i = 0; i < z.size(); i += 4) {
        sum += double{z[i + a]} * z[i + b];
        squares += (double{z[i + a]} * z[i + a] - 1) * (double{z[i + b]} * z[i + b] - 1);
      }
      EXPECT_NEAR(sum / blocks, 0, 5 / std::sqrt(blocks)) << "lanes " << a << " and " << b;
      EXPECT_NEAR(squares / blocks, 0, 5 * 2 / std::sqrt(blocks)) << "squares of lanes " << a << " and " << b;
    }
  }
}

TEST(Normals, AreFiniteForExtremeWords) {
  float z[4];
  normals({{0u, 0u, ~0u, ~0u}}, z);
  EXPECT_NEAR(z[0], std::sqrt(2 * 32 * std::log(2.0)), 1e-6);  // the farthest tail: u = 2^-32
  EXPECT_EQ(z[1], 0.0f);
  EXPECT_EQ(z[2], 0.0f);  // u rounds to 1
  EXPECT_EQ(z[3], 0.0f);
}

TEST(Normals, HashOfTheirBitsIsPinned) {
  uint64_t hash = 14695981039346656037u;
  for (const float v : million_normals(1)) hash = (hash ^ bits_as<uint32_t>(v)) * 1099511628211u;
  EXPECT_EQ(hash, 9884354429545408182u);
}

}  // namespace
}  // namespace equipoise
