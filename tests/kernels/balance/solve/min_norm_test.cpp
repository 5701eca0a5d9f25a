// tests/kernels/balance/solve/min_norm_test.cpp - the min-norm solver against all faces in quadruple precision.
#include "kernels/balance/solve/min_norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <sstream>

#include "tests/kernels/balance/golden.h"
#include "tests/kernels/balance/gradient_families.h"
#include "tests/reference/min_norm.h"

namespace equipoise::test {
namespace {

using Doubles = std::vector<double>;

constexpr double kGap = 1e-12;  // what the solver promises
// Of the larger of the value and the sum of the value's terms, at either solution: 1e4 times what is seen, and far less
// than what would be noticed in a step.
constexpr double kValue = 1e-9;

struct Solution {
  Doubles weights;
  MinNorm norm;
};

Solution solve(const Doubles& gram, int m, int threads = 1) {
  const auto scratch_size = static_cast<std::size_t>(min_norm_scratch(m));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Doubles weights(static_cast<std::size_t>(m), nan), scratch(scratch_size + 4, nan);
  std::fill_n(scratch.end() - 4, 4, -7.5);
  MinNorm norm{nan, nan};
  if (threads == 1) norm = min_norm(SerialTeam{}, m, gram.data(), weights.data(), scratch.data());
  else
    run_host_team<HostTeam>(threads, [&](const HostTeam& team) {
      const MinNorm mine = min_norm(team, m, gram.data(), weights.data(), scratch.data());
      if (team.thread_rank() == team.size() - 1) norm = mine;
    });
  EXPECT_EQ(std::count(scratch.end() - 4, scratch.end(), -7.5), 4) << "scratch overrun";
  return {weights, norm};
}

Doubles scaled(Doubles gram, double by) {
  for (double& g : gram) g *= by;
  return gram;
}

std::string shown(const Doubles& gram, const Doubles& weights) {
  std::ostringstream out;
  out.precision(17);
  const std::size_t m = weights.size();
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < m; ++j) out << gram[i * m + j] << ' ';
    out << "  w " << weights[i] << '\n';
  }
  return out.str();
}

/// On the simplex, with a proof that holds in quadruple precision and is the one that was returned.
bool proved(const Doubles& gram, const Solution& s) {
  const std::size_t m = s.weights.size();
  const double gap = reference::min_norm_gap(m, gram, s.weights);
  const double sum = std::accumulate(s.weights.begin(), s.weights.end(), 0.0);
  const bool inside = std::all_of(s.weights.begin(), s.weights.end(), [](double w) { return w >= 0; });
  return inside && std::abs(sum - 1) <= 4 * static_cast<double>(m) * 0x1p-52 && gap <= kGap &&
         std::abs(gap - s.norm.gap) <= 1e-15;
}

/// (value - optimum) over the larger sum of terms.
double excess(const Doubles& gram, const Solution& s) {
  const std::size_t m = s.weights.size();
  const auto mine = reference::quad_norm(m, gram, {s.weights.begin(), s.weights.end()});
  const auto best = reference::min_norm(m, gram);
  return static_cast<double>((mine.value - best.value) / std::max(mine.gross, best.gross));
}

void compare(int first_tasks, int last_tasks, int cases, bool with_faces, uint64_t seed) {
  GradientFamilies families(seed);
  for (int family = 0; family < kFamilies; ++family)
    for (int change = 0; change < kChanges; ++change)
      for (int n = 0; n < cases; ++n) {
        const int m = families.whole(first_tasks, last_tasks);
        Rows rows = families.rows(static_cast<Family>(family), m);
        const Doubles gram = families.gram(rows, static_cast<Change>(change));
        const Solution s = solve(gram, m);
        ASSERT_TRUE(proved(gram, s)) << "family " << family << ", change " << change << "\ngap "
                                     << reference::min_norm_gap(s.weights.size(), gram, s.weights) << ", returned "
                                     << s.norm.gap << "\n"
                                     << shown(gram, s.weights);
        if (with_faces) {
          ASSERT_LE(std::abs(excess(gram, s)), kValue) << "family " << family << ", change " << change << "\n"
                                                       << shown(gram, s.weights);
        }
      }
}

TEST(MinNorm, IsTheBestOfAllFacesForTwoToFourTasks) { compare(2, 4, 2400, true, 1); }
TEST(MinNorm, IsTheBestOfAllFacesForFiveAndSixTasks) { compare(5, 6, 60, true, 2); }
TEST(MinNorm, IsTheBestOfAllFacesForSevenAndEightTasks) { compare(7, 8, 8, true, 3); }
TEST(MinNorm, IsProvedOptimalForUpToThirtyTwoTasks) { compare(9, 32, 60, false, 4); }

TEST(MinNorm, HasTheSameBitsOnEveryTeam) {
  GradientFamilies families(5);
  for (int n = 0; n < 60; ++n) {
    const int m = families.whole(1, 12);
    Rows rows = families.rows(static_cast<Family>(n % kFamilies), m);
    const Doubles gram = families.gram(rows, static_cast<Change>(n % kChanges));
    const Solution alone = solve(gram, m);
    for (int threads : {2, 7, 32}) {
      const Solution many = solve(gram, m, threads);
      EXPECT_EQ(many.weights, alone.weights) << threads << " threads";
      EXPECT_EQ(many.norm.value, alone.norm.value);
      EXPECT_EQ(many.norm.gap, alone.norm.gap);
    }
  }
}

TEST(MinNorm, PutsAllWeightOnTheShorterOfTwoParallelGradients) {
  EXPECT_EQ(solve({4, 2, 2, 1}, 2).weights, (Doubles{0, 1}));
  EXPECT_EQ(solve({1, 3, 3, 9}, 2).weights, (Doubles{1, 0}));
}

TEST(MinNorm, GivesEqualGradientsToTheFirst) {
  EXPECT_EQ(solve(Doubles(16, 0.7), 4).weights, (Doubles{1, 0, 0, 0}));
  EXPECT_EQ(solve({9, 2, 2, 2, 1, 1, 2, 1, 1}, 3).weights, (Doubles{0, 1, 0}));
}

TEST(MinNorm, CancelsOppositeGradientsOfAnyLength) {
  EXPECT_EQ(solve({1, -1, -1, 1}, 2).weights, (Doubles{0.5, 0.5}));
  EXPECT_EQ(solve({1, -3, -3, 9}, 2).weights, (Doubles{0.75, 0.25}));
  const Solution far = solve({1e60, -1, -1, 1e-60}, 2);
  EXPECT_NEAR(far.weights[0], 1e-60, 1e-75);  // rounding
  EXPECT_EQ(far.weights[1], 1);
}

TEST(MinNorm, SplitsTwoOrthogonalGradientsByTheirSquaredLengths) {
  const Solution s = solve({1, 0, 0, 4}, 2);
  EXPECT_DOUBLE_EQ(s.weights[0], 0.8);
  EXPECT_DOUBLE_EQ(s.weights[1], 0.2);
  EXPECT_DOUBLE_EQ(s.norm.value, 0.8);
}

TEST(MinNorm, GivesOneTaskAllTheWeight) {
  for (double g : {1.0, 3.7e-60, 2.3e60, 5e-324, 1.7e308}) {
    const Solution s = solve({g}, 1);
    EXPECT_EQ(s.weights, Doubles{1});
    EXPECT_EQ(s.norm.gap, 0);
  }
}

TEST(MinNorm, DoesNotChangeABitWhenEveryGradientIsScaledByAPowerOfTwo) {
  GradientFamilies families(6);
  for (int n = 0; n < 2000; ++n) {
    const int m = families.whole(2, 8);
    Rows rows = families.rows(static_cast<Family>(n % kFamilies), m);
    const Doubles gram = families.gram(rows, n % 2 ? Change::noise : Change::none);
    const Solution s = solve(gram, m);
    for (int k : {-80, -1, 1, 60}) {
      const Solution other = solve(scaled(gram, std::ldexp(1.0, 2 * k)), m);
      ASSERT_EQ(other.weights, s.weights);
      ASSERT_EQ(other.norm.value, std::ldexp(s.norm.value, 2 * k));
    }
  }
}

TEST(MinNorm, PermutesItsWeightsWithTheTasks) {
  GradientFamilies families(7);
  for (int n = 0; n < 500; ++n) {
    const int m = families.whole(2, 10);
    const auto k = static_cast<std::size_t>(m);
    Rows rows = families.rows(Family::random, m);
    const Doubles gram = families.gram(rows, n % 2 ? Change::scales : Change::none);
    std::vector<std::size_t> order(k);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = k; i-- > 1;) std::swap(order[i], order[static_cast<std::size_t>(families.whole(0, int(i)))]);
    Doubles other(k * k);
    for (std::size_t i = 0; i < k; ++i)
      for (std::size_t j = 0; j < k; ++j) other[i * k + j] = gram[order[i] * k + order[j]];
    const Doubles a = solve(gram, m).weights, b = solve(other, m).weights;
    // A wide solver's weights agree but for their last rounding.
    for (std::size_t i = 0; i < k; ++i) ASSERT_NEAR(b[i], a[order[i]], 1e-14 * a[order[i]]);
  }
}

TEST(MinNorm, HasTheSameShortestStepWhenATaskIsDoubled) {
  GradientFamilies families(8);
  for (int n = 0; n < 500; ++n) {
    const int m = families.whole(2, 8);
    Rows rows = families.rows(n % 2 ? Family::random : Family::little_conflict, m);
    const Doubles once = solve(gram_of(rows), m).weights;
    rows.push_back(rows[static_cast<std::size_t>(families.whole(0, m - 1))]);
    const Doubles twice = solve(gram_of(rows), m + 1).weights;
    for (std::size_t d = 0; d < rows[0].size(); ++d) {
      double a = 0, b = 0, terms = 0;
      for (std::size_t i = 0; i < twice.size(); ++i) {
        b += twice[i] * rows[i][d];
        terms += std::abs(twice[i] * rows[i][d]);
        if (i < once.size()) a += once[i] * rows[i][d];
      }
      ASSERT_NEAR(a, b, 1e-12 * (terms + 1));  // rounding of the Gram matrix times its condition
    }
  }
}

TEST(MinNorm, AgreesWithTheGoldenProblems) {
  int compared = 0;
  for (const Golden& golden : golden_problems()) {
    Rows rows = golden.rows("grads");
    const bool zero = golden.name.find("_zero_") != std::string::npos;
    if (zero)  // the caller keeps a zero gradient out
      std::erase_if(
          rows, [](const auto& row) { return std::all_of(row.begin(), row.end(), [](double x) { return x == 0; }); });
    const Doubles gram = gram_of(rows);
    const Solution s = solve(gram, static_cast<int>(rows.size()));
    EXPECT_TRUE(proved(gram, s)) << golden.name << "\n" << shown(gram, s.weights);
    EXPECT_LE(std::abs(excess(gram, s)), kValue) << golden.name;
    if (zero) continue;
    const Doubles expected = golden.values("minnorm.weights");
    const auto gross = reference::quad_norm(rows.size(), gram, {s.weights.begin(), s.weights.end()}).gross;
    const double norm2 = golden.values("minnorm.norm2")[0];
    EXPECT_NEAR(s.norm.value, norm2, kValue * std::max(norm2, static_cast<double>(gross))) << golden.name;
    const bool tie =
        golden.name.find("_equal_") != std::string::npos || golden.name.find("_parallel_") != std::string::npos;
    if (tie) {
      EXPECT_EQ(s.weights, expected) << golden.name;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 12);
}

TEST(MinNorm, StaysOnTheSimplexForMatricesThatAreNoGramMatrices) {
  GradientFamilies families(9);
  for (int n = 0; n < 3000; ++n) {
    const int m = families.whole(1, 12);
    const auto k = static_cast<std::size_t>(m);
    const double spread = n % 3 == 0 ? 300 : n % 3 == 1 ? 30 : 1;
    Doubles gram(k * k);
    for (std::size_t i = 0; i < k; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        const double x = families.normal() * std::pow(10, families.uniform(-spread, spread));
        gram[i * k + j] = gram[j * k + i] = i == j ? std::abs(x) + 1e-300 : x;
      }
    const Solution s = solve(gram, m);
    double sum = 0;
    for (double w : s.weights) {
      ASSERT_GE(w, 0);  // NaN fails
      sum += w;
    }
    ASSERT_NEAR(sum, 1, 4 * m * 0x1p-52) << shown(gram, s.weights);
  }
}

// The exponents of their lengths are 1023 apart, and 2^-1023 is below what the solver's powers of two reach.
TEST(MinNorm, ProvesItsSolutionForLengthsAtBothEndsOfDoubles) {
  static constexpr double kLeast = std::numeric_limits<double>::min(), kMost = std::numeric_limits<double>::max();
  const auto expect_first = [](const Doubles& gram, std::size_t m, std::size_t shortest) {
    const Solution s = solve(gram, static_cast<int>(m));
    for (std::size_t i = 0; i < m; ++i) EXPECT_EQ(s.weights[i], i == shortest ? 1.0 : 0.0);
    EXPECT_EQ(s.norm.value, kLeast);
    EXPECT_LE(s.norm.gap, kGap);
  };
  constexpr double kAlong = 0x1p-511;  // the shortest gradient lies along the longer ones
  expect_first({kLeast, kAlong, kAlong, kMost}, 2, 0);
  expect_first({kMost, kAlong, kAlong, kLeast}, 2, 1);
  expect_first({kMost, kAlong, 0, kAlong, kLeast, kAlong, 0, kAlong, kMost}, 3, 1);
}

}  // namespace
}  // namespace equipoise::test
