// tests/kernels/balance/dualproj_test.cpp - DualProj: the mean gradient on the dual cone.
#include "kernels/balance/dualproj.h"

#include <cmath>

#include "tests/kernels/balance/gradient_families.h"

namespace equipoise::test {
namespace {

const auto kDualproj = [](const auto& team, const Mixing& in) { mix_dualproj(team, in, Method{}); };

TEST(Dualproj, IsTheMeanWhereTheMeanOpposesNoTask) {
  EXPECT_EQ(mix({2, {1, -0.5, -0.5, 1}}, kDualproj).mixing, (std::vector<double>{0.5, 0, 0, 0.5}));
}

TEST(Dualproj, RemovesFromTheMeanWhatOpposesTheShorterGradient) {
  // g = (1, 0) and (-3, 4): the mean (-1, 2) becomes (0, 2).
  EXPECT_EQ(mix({2, {1, -3, -3, 25}}, kDualproj).mixing, (std::vector<double>{1.5, 0, 0, 0.5}));
}

TEST(Dualproj, GivesNoStepBetweenOppositeGradients) {
  EXPECT_EQ(mix({2, {1, -2, -2, 4}}, kDualproj).mixing, (std::vector<double>{1, 0, 0, 0.5}));
}

TEST(Dualproj, NeverLosesInAnyTaskAndAddsOnlyWhatTouches) {
  GradientFamilies families(1);
  int raised = 0;
  for (int n = 0; n < 3000; ++n) {
    const int m = families.whole(2, 8);
    Rows rows = families.rows(static_cast<Family>(n % kFamilies), m);
    const std::vector<double> gram = families.gram(rows, static_cast<Change>(n / kFamilies % kChanges));
    const MixingCase in{m, gram};
    const Mixed mixed = n % 100 == 0 ? mix(in, kDualproj) : mix_once(in, kDualproj);
    for (int i = 0; i < m; ++i) {
      long double gain = 0, terms = 0;
      for (int j = 0; j < m; ++j) {
        const long double term =
            static_cast<long double>(gram[static_cast<std::size_t>(i * m + j)]) * mixed.at(j, j, m);
        gain += term;
        terms += std::abs(term);
      }
      const double relative = static_cast<double>(gain / terms);
      ASSERT_GE(mixed.at(i, i, m), 1.0 / m);
      ASSERT_GE(relative, -1e-12);  // dual_cone.h's promise
      if (mixed.at(i, i, m) > 1.0 / m) {
        ASSERT_LE(relative, 1e-12);
        ++raised;
      }
    }
  }
  EXPECT_GT(raised, 1000);
}

}  // namespace
}  // namespace equipoise::test
