// tests/kernels/base/permutation_test.cpp - the keyed permutation is a bijection and, over epochs, fair.
#include "kernels/base/permutation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace equipoise {
namespace {

std::vector<uint32_t> order(uint32_t n, uint64_t seed, uint32_t replica, uint32_t epoch) {
  const Permutation p = make_permutation(n, seed, replica, epoch);
  std::vector<uint32_t> elements(n);
  for (uint32_t i = 0; i < n; ++i) elements[i] = p(i);
  return elements;
}

/// The first position that repeats or leaves 0..n-1, or n when all is well.
uint32_t first_fault(uint32_t n, uint32_t epoch) {
  std::vector<bool> seen(n);
  const Permutation p = make_permutation(n, 42, 1, epoch);
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t e = p(i);
    if (e >= n || seen[e]) return i;
    seen[e] = true;
  }
  return n;
}

/// Chi-square of counts that should all be equal, in standard deviations from its mean.
double fairness(const std::vector<int>& counts, double total) {
  const double expected = total / static_cast<double>(counts.size());
  double sum = 0;
  for (const int c : counts) sum += (c - expected) * (c - expected) / expected;
  const double freedom = static_cast<double>(counts.size()) - 1;
  return (sum - freedom) / std::sqrt(2 * freedom);
}

TEST(Permutation, IsABijectionForEverySmallSize) {
  for (uint32_t n = 1; n <= 300; ++n) {
    for (uint32_t epoch = 0; epoch < 20; ++epoch)
      EXPECT_EQ(first_fault(n, epoch), n) << "n " << n << " epoch " << epoch;
  }
}

TEST(Permutation, IsABijectionForLargeSizesAroundPowersOfFour) {
  for (const uint32_t n : {1023u, 1024u, 1025u, 65535u, 65536u, 65537u, 1000003u, 1u << 20, (1u << 20) + 1}) {
    EXPECT_EQ(first_fault(n, 5), n) << "n " << n;
  }
}

TEST(Permutation, StaysInsideTheLargestSizeAndIsOneToOneOnASample) {
  constexpr uint32_t kLargest = 0x7fffffffu;
  const Permutation p = make_permutation(kLargest, 9, 0, 0);
  std::vector<bool> seen(kLargest);
  for (uint32_t i = 0; i < 300000; ++i) {
    const uint32_t e = p(i % 2 == 0 ? i : kLargest - i);
    ASSERT_LT(e, kLargest);
    ASSERT_FALSE(seen[e]) << "position " << i;
    seen[e] = true;
  }
}

TEST(Permutation, IsAPureFunctionThatEveryArgumentChanges) {
  const std::vector<uint32_t> base = order(100, 1, 2, 3);
  EXPECT_EQ(base, order(100, 1, 2, 3));
  EXPECT_NE(base, order(100, 1, 2, 4));
  EXPECT_NE(base, order(100, 1, 3, 3));
  EXPECT_NE(base, order(100, 2, 2, 3));
  EXPECT_NE(base, order(100, (uint64_t{1} << 32) + 1, 2, 3));
}

// All orders of a few elements are equally likely: this sees a bias of pairs, of triples and of the sign at once,
// and rejects eight rounds or a network of even permutations only. Seeds are fixed, so five deviations pass always
// or never.
TEST(Permutation, GivesAllOrdersOfAFewElementsEquallyOften) {
  constexpr int kEpochs = 400000;
  for (const uint32_t n : {2u, 3u, 4u, 5u, 6u}) {
    int orders = 1;
    for (uint32_t k = 2; k <= n; ++k) orders *= static_cast<int>(k);
    std::vector<int> counts(static_cast<size_t>(orders));
    for (uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
      const std::vector<uint32_t> e = order(n, 9, 0, epoch);
      size_t rank = 0;  // Lehmer code
      for (uint32_t i = 0; i < n; ++i) {
        size_t smaller = 0;
        for (uint32_t j = i + 1; j < n; ++j) smaller += e[j] < e[i] ? 1 : 0;
        rank = rank * (n - i) + smaller;
      }
      ++counts[rank];
    }
    EXPECT_LT(fairness(counts, kEpochs), 5) << "n " << n;
  }
}

TEST(Permutation, PutsElementZeroAnywhereEquallyOften) {
  constexpr int kEpochs = 20000;
  for (const uint32_t n : {7u, 16u, 17u, 64u, 100u, 257u}) {
    std::vector<int> position_of_zero(n);
    for (uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
      const Permutation p = make_permutation(n, 5, 0, epoch);
      uint32_t position = 0;
      while (p(position) != 0) ++position;
      ++position_of_zero[position];
    }
    EXPECT_LT(fairness(position_of_zero, kEpochs), 5) << "n " << n;
  }
}

TEST(Permutation, PutsEveryPairFirstEquallyOften) {
  constexpr int kEpochs = 400000;
  for (const uint32_t n : {5u, 9u, 15u, 16u, 17u, 30u, 64u}) {
    std::vector<int> adjacent(n * (n - 1)), ends(n * (n - 1));
    const auto index = [n](uint32_t a, uint32_t b) { return a * (n - 1) + (b < a ? b : b - 1); };
    for (uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
      const Permutation p = make_permutation(n, 6, 0, epoch);
      ++adjacent[index(p(0), p(1))];
      ++ends[index(p(0), p(n - 1))];
    }
    EXPECT_LT(fairness(adjacent, kEpochs), 5) << "n " << n;
    EXPECT_LT(fairness(ends, kEpochs), 5) << "n " << n;
  }
}

// With only even permutations of the domain of 16 (see permutation.h), every order of 16 rows would have one sign.
TEST(Permutation, GivesOddAndEvenOrdersOfSixteen) {
  int odd = 0;
  for (uint32_t epoch = 0; epoch < 10000; ++epoch) {
    const std::vector<uint32_t> e = order(16, 3, 0, epoch);
    int inversions = 0;
    for (uint32_t i = 0; i < 16; ++i) {
      for (uint32_t j = i + 1; j < 16; ++j) inversions += e[j] < e[i] ? 1 : 0;
    }
    odd += inversions % 2;
  }
  EXPECT_NEAR(odd, 5000, 5 * std::sqrt(10000 * 0.25));
}

// Two epochs are as different as two random orders: the number of rows that keep their place is about Poisson(1).
TEST(Permutation, KeepsAboutOneRowInPlaceFromOneEpochToTheNext) {
  constexpr int kEpochs = 20000;
  int kept = 0;
  std::vector<uint32_t> last = order(50, 8, 0, 0);
  for (uint32_t epoch = 1; epoch <= kEpochs; ++epoch) {
    std::vector<uint32_t> next = order(50, 8, 0, epoch);
    for (size_t i = 0; i < 50; ++i) kept += next[i] == last[i] ? 1 : 0;
    last = std::move(next);
  }
  EXPECT_NEAR(kept, kEpochs, 5 * std::sqrt(double{kEpochs}));
}

}  // namespace
}  // namespace equipoise
