// tests/examples/skeleton_method_test.cpp - one length for every gradient, by hand, by its promises and on every team.
#include "tests/examples/skeleton_method.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/kernels/balance/mixing_rig.h"
#include "tests/kernels/balance/random_gradients.h"

namespace equipoise::test {
namespace {

const auto level = [](const auto& team, const Mixing& in) { mix_level(team, in, Method{}); };

Mixed level_of(const Rows& rows) { return mix({static_cast<int>(rows.size()), gram_of(rows)}, level); }

TEST(Level, MatchesAnExampleByHand) {
  // Norms 1 and 7: their root mean square is 5.
  const Mixed mixed = level_of({{0.6, 0.8}, {-7.0, 0.0}});
  EXPECT_DOUBLE_EQ(mixed.at(0, 0, 2), 5.0);
  EXPECT_DOUBLE_EQ(mixed.at(1, 1, 2), 5.0 / 7.0);
  EXPECT_EQ(mixed.at(0, 1, 2), 0.0);
  EXPECT_EQ(mixed.at(1, 0, 2), 0.0);
}

TEST(Level, GivesEveryGradientTheRootMeanSquareLengthAtAnyScale) {
  std::mt19937_64 random(1);
  for (int tasks : {2, 3, 5, 8, 17, 32})
    for (double decades : {0.0, 3.0, 30.0}) {
      Rows rows = random_rows(tasks, tasks + 9, random, 0.3);
      scale_rows(rows, decades, random);
      long double squares = 0;
      for (const auto& row : rows) squares += inner(row, row);
      const auto length = static_cast<double>(std::sqrt(squares / tasks));
      for (const auto& row : balanced(level_of(rows), rows))
        EXPECT_NEAR(static_cast<double>(norm_of(row)), length, 1e-14 * length)  // m + 4 roundings of double
            << tasks << " tasks, " << decades << " decades";
    }
}

TEST(Level, IsIndifferentToTheUnitOfTheGradients) {
  std::mt19937_64 random(2);
  Rows rows = random_rows(6, 20, random);
  const Mixed before = level_of(rows);
  for (auto& row : rows)
    for (double& v : row) v *= 0x1p-90;
  EXPECT_EQ(level_of(rows).mixing, before.mixing);
}

TEST(Level, KnowsOnlyTheTasksThatTakePart) {
  // What is absent or has no gradient is not among `tasks`: of six here two take part, and state is nobody's.
  const Rows rows{{0.6, 0.8}, {-7.0, 0.0}};
  const std::vector<double> state(6, 3.5);
  const Mixed among_others = mix({2, gram_of(rows), {1, 4}, 6, {1, 0, 0}, state}, level);
  EXPECT_EQ(among_others.mixing, level_of(rows).mixing);
  EXPECT_EQ(among_others.next, state);
  EXPECT_TRUE(std::isnan(among_others.certificate));
}

TEST(Level, OfOneGradientIsTheIdentity) { EXPECT_EQ(level_of({{0.1, 0.2, 0.3}}).mixing, std::vector<double>{1.0}); }

}  // namespace
}  // namespace equipoise::test
