// tests/kernels/balance/upgrad_test.cpp - UPGrad against projections of the gradients themselves.
#include "kernels/balance/upgrad.h"

#include <cmath>

#include "tests/kernels/balance/gradient_families.h"

namespace equipoise::test {
namespace {

const auto kUpgrad = [](const auto& team, const Mixing& in) { mix_upgrad(team, in, Method{}); };

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t d = 0; d < a.size(); ++d) sum += a[d] * b[d];
  return sum;
}

/// The projection of x on {d: rows d >= 0} by Dykstra's alternating projections, which know no Gram matrix.
std::vector<double> alternate(const Rows& rows, std::vector<double> x, int sweeps) {
  Rows left(rows.size(), std::vector<double>(x.size(), 0.0));
  for (int s = 0; s < sweeps; ++s)
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::vector<double> y = x;
      for (std::size_t d = 0; d < x.size(); ++d) y[d] += left[i][d];
      const double along = std::min(dot(rows[i], y), 0.0) / dot(rows[i], rows[i]);
      for (std::size_t d = 0; d < x.size(); ++d) {
        x[d] = y[d] - along * rows[i][d];
        left[i][d] = y[d] - x[d];
      }
    }
  return x;
}

TEST(Upgrad, LeavesGradientsWithoutConflictAsTheirMean) {
  EXPECT_EQ(mix({2, {4, 1, 1, 9}}, kUpgrad).mixing, (std::vector<double>{0.5, 0, 0, 0.5}));
}

TEST(Upgrad, CancelsOppositeGradients) {
  EXPECT_EQ(mix({2, {1, -2, -2, 4}}, kUpgrad).mixing, (std::vector<double>{0.5, 0.25, 1, 0.5}));
}

TEST(Upgrad, IsTheMeanOfTheProjectionsOfTheGradients) {
  GradientFamilies families(1);
  for (int n = 0; n < 100; ++n) {
    const int m = families.whole(2, 5);
    Rows rows(static_cast<std::size_t>(m), std::vector<double>(12));
    for (auto& row : rows)
      for (double& x : row) x = families.normal();
    const Rows out = balanced(mix_once({m, gram_of(rows)}, kUpgrad), rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::vector<double> expected = alternate(rows, rows[i], 4000);
      for (std::size_t d = 0; d < expected.size(); ++d)
        ASSERT_NEAR(out[i][d], expected[d] / m, 1e-9);  // what the alternation leaves
    }
  }
}

TEST(Upgrad, NeverLosesInAnyTaskWhateverTheGradients) {
  GradientFamilies families(2);
  for (int n = 0; n < 3000; ++n) {
    const int m = families.whole(2, 8);
    Rows rows = families.rows(static_cast<Family>(n % kFamilies), m);
    const auto change = static_cast<Change>(n / kFamilies % kChanges);
    const std::vector<double> gram = families.gram(rows, change);
    const MixingCase in{m, gram};
    const Mixed mixed = n % 100 == 0 ? mix(in, kUpgrad) : mix_once(in, kUpgrad);
    for (int i = 0; i < m; ++i)
      for (int k = 0; k < m; ++k) {
        long double gain = 0, terms = 0;
        for (int j = 0; j < m; ++j) {
          const long double term =
              static_cast<long double>(gram[static_cast<std::size_t>(k * m + j)]) * mixed.at(i, j, m);
          gain += term;
          terms += std::abs(term);
        }
        ASSERT_GE(mixed.at(i, k, m), i == k ? 1.0 / m : 0.0);
        ASSERT_GE(static_cast<double>(gain), -1e-12 * static_cast<double>(terms));  // dual_cone.h's promise
      }
  }
}

}  // namespace
}  // namespace equipoise::test
