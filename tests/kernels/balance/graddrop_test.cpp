// tests/kernels/balance/graddrop_test.cpp - GradDrop against recorded draws, its rule at the edges, and its own draws.
#include "kernels/balance/graddrop.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

#include "tests/kernels/balance/golden.h"
#include "tests/reference/balance_methods.h"

namespace equipoise::test {
namespace {

double share(const std::vector<double>& values) {
  GradDropSigns signs;
  for (const double s : values) signs.add(s);
  return signs.positive_share();
}

TEST(GradDrop, MatchesTheRecordedDrawsWithInputAndLeak) {
  int seen = 0;
  double largest = 0.0;
  for (const Golden& golden : golden_problems()) {
    const reference::Rows gradients = golden.rows("grads"), expected = golden.rows("graddrop.leak0.2");
    const std::vector<double> uniform = golden.values("graddrop.uniform"), input = golden.values("graddrop.input");
    reference::Rows out = gradients;
    for (std::size_t d = 0; d < uniform.size(); ++d) {
      const double sign = input[d] > 0.0 ? 1.0 : (input[d] < 0.0 ? -1.0 : 0.0);
      GradDropSigns signs;
      for (const std::vector<double>& g : gradients) signs.add(sign * g[d]);
      for (std::size_t k = 0; k < gradients.size(); ++k)
        out[k][d] *= graddrop_factor(signs.positive_share(), uniform[d], sign * gradients[k][d], 0.2);
    }
    largest = std::fmax(largest, reference::relative_difference(out, expected));
    ++seen;
  }
  EXPECT_EQ(seen, 13);
  EXPECT_LE(largest, 1e-15);  // one product; a draw on the wrong side of P would show as a whole gradient
}

TEST(GradDrop, SharesAreOneZeroAndHalfAtTheEdges) {
  EXPECT_EQ(share({1.0, 2.0, 0.5}), 1.0);
  EXPECT_EQ(share({-1.0, -2.0, 0.0}), 0.0);
  EXPECT_EQ(share({0.0, 0.0}), 0.5);
  EXPECT_EQ(share({3.0, -3.0}), 0.5);
  EXPECT_EQ(share({3.0, -1.0}), 0.75);
  EXPECT_EQ(share({1e-45, 3e-45}), 1.0);
  EXPECT_EQ(share({3e38, 3e38, -3e38, -3e38}), 0.5);
  EXPECT_EQ(share({1e30, -1e-30}), 1.0);
}

TEST(GradDrop, SharesLieBetweenZeroAndOneWhateverTheScales) {
  const reference::Rows rows = reference::random_gradients(3, 500, 7, 1.0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<double> values = rows[i];
    for (std::size_t k = 0; k < values.size(); ++k)
      values[k] *= std::pow(10.0, static_cast<double>((i * k) % 60) - 30.0);
    const double p = share(values);
    EXPECT_GE(p, 0.0);
    EXPECT_LE(p, 1.0);
  }
}

TEST(GradDrop, KeepsTheSignThatTheDrawFavours) {
  EXPECT_EQ(graddrop_factor(0.75, 0.7, 1.0, 0.0), 1.0);
  EXPECT_EQ(graddrop_factor(0.75, 0.7, -1.0, 0.0), 0.0);
  EXPECT_EQ(graddrop_factor(0.75, 0.8, 1.0, 0.0), 0.0);
  EXPECT_EQ(graddrop_factor(0.75, 0.8, -1.0, 0.0), 1.0);
}

TEST(GradDrop, LetsTheLeakThroughOfWhatItDrops) {
  EXPECT_EQ(graddrop_factor(0.5, 0.9, 1.0, 0.3), 0.3);
  EXPECT_EQ(graddrop_factor(0.5, 0.9, -1.0, 0.3), 1.0);
  EXPECT_EQ(graddrop_factor(0.5, 0.9, 1.0, 1.0), 1.0);
  EXPECT_EQ(graddrop_factor(0.5, 0.5, 1.0, 0.3), 0.3) << "a tie keeps neither sign";
  EXPECT_EQ(graddrop_factor(0.5, 0.9, 0.0, 0.3), 0.3) << "no sign, as where the input is zero";
}

TEST(GradDrop, NeverDropsAnElementOnWhoseSignAllAgree) {
  const double p1 = share({1.0, 2.0}), p0 = share({-1.0, -2.0});
  for (uint64_t element = 0; element < 100000; ++element) {
    const double u = graddrop_uniform({5, 0, 1}, element);
    ASSERT_EQ(graddrop_factor(p1, u, 1.0, 0.0), 1.0);
    ASSERT_EQ(graddrop_factor(p0, u, -1.0, 0.0), 1.0);
  }
  const double smallest = double{uniform_open(0)}, largest = double{uniform_open(~0u)};
  EXPECT_EQ(graddrop_factor(p0, smallest, -1.0, 0.0), 1.0);
  EXPECT_EQ(graddrop_factor(p1, largest, 1.0, 0.0), 1.0);
}

TEST(GradDrop, KeepsThePositiveSignAsOftenAsItsShareSays) {
  const double p = share({2.0, -1.0, 0.7});
  const int draws = 200000;
  int positive = 0;
  for (int element = 0; element < draws; ++element) {
    const double u = graddrop_uniform({11, 4, 2}, static_cast<uint64_t>(element));
    const bool plus = graddrop_factor(p, u, 2.0, 0.0) == 1.0, minus = graddrop_factor(p, u, -1.0, 0.0) == 1.0;
    ASSERT_NE(plus, minus);
    positive += plus;
  }
  EXPECT_NEAR(static_cast<double>(positive) / draws, p, 5.0 * std::sqrt(p * (1.0 - p) / draws));  // five deviations
}

TEST(GradDrop, DrawsTheWordOfItsElement) {
  const StepDraws draws{0xfedcba9876543210u, 6, 7};
  for (const uint64_t element : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{4}, uint64_t{4099},
                                 uint64_t{1} << 32, (uint64_t{1} << 34) - 1u, (uint64_t{1} << 34) - 2u}) {
    const PhiloxBlock words = draw({draws.seed, 6, 7, 9}, static_cast<uint32_t>(element / 4));
    EXPECT_EQ(graddrop_uniform(draws, element), double{uniform_open(words.v[element % 4])}) << element;
  }
}

TEST(GradDrop, DrawsDependOnSeedReplicaStepBalancerAndElement) {
  const std::set<double> draws = {graddrop_uniform({1, 2, 3}, 4), graddrop_uniform({2, 2, 3}, 4),
                                  graddrop_uniform({1, 3, 3}, 4), graddrop_uniform({1, 2, 4}, 4),
                                  graddrop_uniform({1, 2, 3}, 5), graddrop_uniform({1, 2, 3, 1}, 4)};
  EXPECT_EQ(draws.size(), 6u);
}

}  // namespace
}  // namespace equipoise::test
