// tests/kernels/balance/solve/dual_cone_test.cpp - the projection on the dual cone by its conditions, and against all
// faces.
#include "kernels/balance/solve/dual_cone.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "tests/kernels/balance/gradient_families.h"
#include "tests/reference/min_norm.h"

namespace equipoise::test {
namespace {

using Doubles = std::vector<double>;
using reference::Quad;

constexpr double kTolerance = 1e-12;  // of the terms of a sum: what the solver promises

Doubles project(const Doubles& gram, const Doubles& from, int threads = 1) {
  const int m = static_cast<int>(from.size());
  const auto scratch_size = static_cast<std::size_t>(dual_cone_scratch(m));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Doubles to(from.size(), nan), scratch(scratch_size + 4, nan);
  std::fill_n(scratch.end() - 4, 4, -7.5);
  run_host_team<HostTeam>(threads, [&](const HostTeam& team) {
    project_on_dual_cone(team, m, gram.data(), from.data(), to.data(), scratch.data());
  });
  EXPECT_EQ(std::count(scratch.end() - 4, scratch.end(), -7.5), 4) << "scratch overrun";
  return to;
}

Doubles project_once(const Doubles& gram, const Doubles& from) {
  const int m = static_cast<int>(from.size());
  Doubles to(from.size()), scratch(static_cast<std::size_t>(dual_cone_scratch(m)));
  project_on_dual_cone(SerialTeam{}, m, gram.data(), from.data(), to.data(), scratch.data());
  return to;
}

/// The largest breach of: to >= from, G to >= 0, and G to = 0 wherever to > from.
double breach(const Doubles& gram, const Doubles& from, const Doubles& to) {
  const std::size_t m = from.size();
  double worst = 0;
  for (std::size_t i = 0; i < m; ++i) {
    if (!(to[i] >= from[i])) return std::numeric_limits<double>::infinity();
    Quad row = 0, terms = 0;
    for (std::size_t j = 0; j < m; ++j) {
      row += Quad{gram[i * m + j]} * to[j];
      // v is from's unlike: where they cancel, their own sizes are the measure.
      terms += reference::magnitude(Quad{gram[i * m + j]}) * (reference::magnitude(from[j]) + (Quad{to[j]} - from[j]));
    }
    const Quad off = row < 0 || to[i] > from[i] ? reference::magnitude(row) : Quad{0};
    if (terms > 0) worst = std::max(worst, static_cast<double>(off / terms));
  }
  return worst;
}

/// |to' J|^2 of the best passive set, in quadruple precision.
Quad least_square(const Doubles& gram, const Doubles& from) {
  const std::size_t m = from.size();
  Quad best = 0;
  for (uint32_t face = 0; face < 1u << m; ++face) {
    std::vector<std::size_t> s;
    for (std::size_t i = 0; i < m; ++i)
      if (face >> i & 1u) s.push_back(i);
    std::vector<std::vector<Quad>> rows(s.size(), std::vector<Quad>(s.size() + 1, 0));
    for (std::size_t a = 0; a < s.size(); ++a) {
      for (std::size_t c = 0; c < s.size(); ++c) rows[a][c] = gram[s[a] * m + s[c]];
      for (std::size_t j = 0; j < m; ++j) rows[a].back() -= Quad{gram[s[a] * m + j]} * from[j];
    }
    const std::vector<Quad> v = reference::solve_quad(rows);
    if (v.size() != s.size() || std::any_of(v.begin(), v.end(), [](Quad x) { return x < 0; })) continue;
    std::vector<Quad> to(from.begin(), from.end());
    for (std::size_t a = 0; a < s.size(); ++a) to[s[a]] += v[a];
    const Quad value = reference::quad_norm(m, gram, to).value;
    if (face == 0 || value < best) best = value;
  }
  return best;
}

TEST(DualCone, MeetsTheConditionsOfAProjectionForEveryFamily) {
  GradientFamilies families(1);
  double worst = 0;
  for (int n = 0; n < 20000; ++n) {
    const int m = families.whole(1, n % 20 == 0 ? 32 : 8);
    Rows rows = families.rows(static_cast<Family>(n % kFamilies), m);
    const auto change = static_cast<Change>(n / kFamilies % kChanges);
    const Doubles gram = families.gram(rows, change);
    Doubles from(rows.size(), 0.0);
    if (n % 3 == 0) from[static_cast<std::size_t>(families.whole(0, m - 1))] = 1;
    else
      for (double& c : from) c = n % 3 == 1 ? 1.0 / m : families.normal();
    const double b = breach(gram, from, project_once(gram, from));
    ASSERT_LE(b, kTolerance) << "family " << n % kFamilies << ", change " << n / kFamilies % kChanges << ", m " << m;
    worst = std::max(worst, b);
  }
  RecordProperty("worst", std::to_string(worst));
}

TEST(DualCone, IsTheShortestOfAllFaces) {
  GradientFamilies families(2);
  for (int n = 0; n < 3000; ++n) {
    const int m = families.whole(2, 5);
    Rows rows = families.rows(n % 2 ? Family::random : Family::zero_in_hull, m);
    const Doubles gram = families.gram(rows, Change::none);
    Doubles from(rows.size());
    for (double& c : from) c = families.normal();
    const Doubles to = project_once(gram, from);
    const auto mine = reference::quad_norm(rows.size(), gram, {to.begin(), to.end()});
    ASSERT_NEAR(
        static_cast<double>(mine.value - least_square(gram, from)), 0,
        kTolerance * static_cast<double>(reference::quad_norm(rows.size(), gram, {from.begin(), from.end()}).gross));
  }
}

TEST(DualCone, HasTheSameBitsOnEveryTeam) {
  GradientFamilies families(3);
  for (int n = 0; n < 50; ++n) {
    const int m = families.whole(1, 12);
    Rows rows = families.rows(static_cast<Family>(n % kFamilies), m);
    const Doubles gram = families.gram(rows, static_cast<Change>(n % kChanges));
    Doubles from(rows.size());
    for (double& c : from) c = families.normal();
    const Doubles alone = project_once(gram, from);
    for (int threads : {2, 7, 32}) EXPECT_EQ(project(gram, from, threads), alone) << threads << " threads";
  }
}

TEST(DualCone, LeavesADirectionThatNoTaskOpposes) {
  EXPECT_EQ(project({4, 1, 1, 9}, {1, 0}), (Doubles{1, 0}));
  EXPECT_EQ(project({4, 1, 1, 9}, {0, 0}), (Doubles{0, 0}));
}

TEST(DualCone, RemovesTheOpposingPartOfADirection) {
  EXPECT_EQ(project({1, -1, -1, 2}, {1, 0}), (Doubles{1, 0.5}));  // (1, 0) on the normal plane of (-1, 1)
  EXPECT_EQ(project({1, -2, -2, 4}, {1, 0}), (Doubles{1, 0.5}));  // opposite gradients leave nothing
}

TEST(DualCone, ScalesWithItsDirectionByPowersOfTwo) {
  const Doubles gram{1, -1, -1, 2}, far{1e60, -1, -1, 2e-60};
  EXPECT_EQ(project(gram, {0x1p-90, 0}), (Doubles{0x1p-90, 0x1p-91}));
  EXPECT_EQ(project(gram, {0x1p90, 0}), (Doubles{0x1p90, 0x1p89}));
  EXPECT_LE(breach(far, {1, 0}, project(far, {1, 0})), kTolerance);
}

}  // namespace
}  // namespace equipoise::test
