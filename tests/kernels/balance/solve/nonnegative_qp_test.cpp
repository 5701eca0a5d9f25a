// tests/kernels/balance/solve/nonnegative_qp_test.cpp - the quadratic program over y >= 0, by its optimality
// conditions.
#include "kernels/balance/solve/nonnegative_qp.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/kernels/balance/gradient_families.h"

namespace equipoise::test {
namespace {

using Doubles = std::vector<double>;

constexpr QpRules kRules{0x1p-46, 0, 0x1p-60};

struct Problem {
  int m;
  Doubles gram, scale, b, floor;
};

Doubles solve(const Problem& p, const QpRules& rules = kRules, uint32_t start = 0, int threads = 1) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto m = static_cast<std::size_t>(p.m);
  Doubles scratch(static_cast<std::size_t>(nonnegative_qp_scratch(p.m)) + 1, nan), y(m, nan);
  scratch.back() = -7.5;
  const QpTableau t(p.m, scratch.data());
  for (int i = 0; i < p.m; ++i) t.set(i, p.m, {p.b[static_cast<std::size_t>(i)], 0.0});
  run_host_team<HostTeam>(threads, [&](const HostTeam& team) {
    const ScaledGram h{p.m, p.gram.data(), p.scale.data()};
    const uint32_t passive = nonnegative_qp(team, h, t, p.floor.data(), start, rules);
    for (int i = team.thread_rank(); i < p.m; i += team.size())
      y[static_cast<std::size_t>(i)] = qp_solution(t, passive, i);
  });
  EXPECT_EQ(scratch.back(), -7.5) << "scratch overrun";
  return y;
}

Problem random_problem(GradientFamilies& families, int m) {
  Rows rows = families.rows(Family::random, m);
  Problem p{m, gram_of(rows), Doubles(rows.size()), Doubles(rows.size()), Doubles(rows.size(), 1.0)};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    p.scale[i] = power_of_two(-half_exponent(p.gram[i * rows.size() + i]));
    p.b[i] = families.normal();
  }
  return p;
}

TEST(NonnegativeQp, MeetsTheOptimalityConditions) {
  GradientFamilies families(1);
  int held_back = 0;
  for (int n = 0; n < 3000; ++n) {
    const int m = families.whole(1, 20);
    const Problem p = random_problem(families, m);
    const Doubles y = solve(p);
    for (int i = 0; i < m; ++i) {
      long double v = p.b[static_cast<std::size_t>(i)], terms = std::abs(v);
      for (int j = 0; j < m; ++j) {
        const long double h = ScaledGram{m, p.gram.data(), p.scale.data()}.at(i, j);
        v -= h * y[static_cast<std::size_t>(j)];
        terms += std::abs(h) * y[static_cast<std::size_t>(j)];
      }
      const auto off = static_cast<double>(v / terms);
      ASSERT_LE(off, 1e-15);  // y's own rounding
      ASSERT_GE(y[static_cast<std::size_t>(i)], 0);
      if (y[static_cast<std::size_t>(i)] > 0) {
        ASSERT_GE(off, -1e-15);
      } else ++held_back;
    }
  }
  EXPECT_GT(held_back, 1000);
}

TEST(NonnegativeQp, StaysAtZeroWhereNoSlopeIsPositive) {
  EXPECT_EQ(solve({2, {1, 0.5, 0.5, 1}, {1, 1}, {-1, 0}, {1, 1}}), (Doubles{0, 0}));
}

TEST(NonnegativeQp, LetsAnEntryLeaveThatEnteredTooSoon) {
  // 0 is the steepest by its measure, 1; then 1 enters with slope 1.5 and drives it out.
  EXPECT_EQ(solve({2, {1, 1, 1, 2}, {1, 1}, {1, 2.5}, {1, 5}}), (Doubles{0, 1.25}));
}

TEST(NonnegativeQp, SolvesForBothEntriesWhereBothStay) {
  EXPECT_EQ(solve({2, {1, 1, 1, 2}, {1, 1}, {1, 1.75}, {1, 1.75}}), (Doubles{0.25, 0.75}));
}

TEST(NonnegativeQp, LetsEntriesThatWereDrivenOutEnterAgain) {
  // 64 H y = (320, 128, 320, 192) at y = (16, 48, 48, 16); by these floors it takes six entries to find four.
  const Doubles gram{8, 8, -4, 0, 8, 21, -23, 6, -4, -23, 33, -6, 0, 6, -6, 12}, expected{16, 48, 48, 16};
  const Doubles y = solve({4, gram, Doubles(4, 0.125), {5, 2, 5, 3}, {2, 0.5, 4, 128}});
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(y[i], expected[i], 1e-13) << i;
}

TEST(NonnegativeQp, GivesTheSameSolutionWhereverItStarts) {
  GradientFamilies families(2);
  for (int n = 0; n < 300; ++n) {
    const Problem p = random_problem(families, families.whole(2, 12));
    const Doubles y = solve(p);
    uint32_t start = 0;
    for (std::size_t i = 0; i < y.size(); ++i)
      if (y[i] > 0) start |= 1u << i;
    const Doubles warm = solve(p, kRules, start);
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(warm[i], y[i], 1e-14 * y[i]);  // wide: the last rounding
  }
}

TEST(NonnegativeQp, GoesFarAlongADirectionWithoutCurvature) {
  const Doubles y = solve({2, {1, -1, -1, 1}, {1, 1}, {1, 1}, {1, 1}});
  EXPECT_GT(y[0], 1e13);
  EXPECT_NEAR(y[1] / y[0], 1, 1e-12);  // the raised pivot: 1.4e-14
}

TEST(NonnegativeQp, HasTheSameBitsOnEveryTeam) {
  GradientFamilies families(3);
  for (int n = 0; n < 30; ++n) {
    const Problem p = random_problem(families, families.whole(1, 12));
    const Doubles alone = solve(p);
    for (int threads : {2, 7, 32}) EXPECT_EQ(solve(p, kRules, 0, threads), alone) << threads << " threads";
  }
}

}  // namespace
}  // namespace equipoise::test
