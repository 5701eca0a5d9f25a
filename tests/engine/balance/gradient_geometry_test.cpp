// tests/engine/balance/gradient_geometry_test.cpp - the shortest convex combination by hand, and who takes part in it.
#include "engine/balance/gradient_geometry.h"

#include <gtest/gtest.h>

#include <cmath>

namespace equipoise::test {
namespace {

TEST(GradientGeometry, OfTwoGradientsIsTheFootOfThePerpendicular) {
  // (3, 0) and (-1, 1): the line between them is nearest to the origin at (3, 12) / 17.
  const GradientGeometry g = gradient_geometry(std::vector<float>{3, 0, -1, 1}, 2, 2);
  EXPECT_EQ(g.gram, (std::vector<double>{9, -3, -3, 2}));
  EXPECT_NEAR(g.convex[0], 5.0 / 17, 1e-15);
  EXPECT_NEAR(g.convex[1], 12.0 / 17, 1e-15);
  EXPECT_NEAR(g.shortest, std::sqrt(153.0) / 17, 1e-15);
  EXPECT_LE(g.certificate.value(), 1e-12);
}

TEST(GradientGeometry, OfThreeAroundTheOriginIsNothing) {
  // (2, 0), (-1, 1), (-1, -1) are corners of a triangle whose centre is the origin.
  const GradientGeometry g = gradient_geometry(std::vector<float>{2, 0, -1, 1, -1, -1}, 3, 2);
  EXPECT_NEAR(g.shortest, 0, 1e-7);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(g.convex[i], 1.0 / 3, 1e-12);
}

TEST(GradientGeometry, LeavesGradientsThatAreZeroOut) {
  const GradientGeometry g = gradient_geometry(std::vector<float>{3, 0, 0, 0, -1, 1}, 3, 2);
  EXPECT_NEAR(g.convex[0], 5.0 / 17, 1e-15);
  EXPECT_EQ(g.convex[1], 0);
  EXPECT_NEAR(g.convex[2], 12.0 / 17, 1e-15);
  EXPECT_NEAR(g.shortest, std::sqrt(153.0) / 17, 1e-15);

  const GradientGeometry nothing = gradient_geometry(std::vector<float>(6, 0.0f), 3, 2);
  EXPECT_EQ(nothing.shortest, 0);
  EXPECT_EQ(nothing.convex, std::vector<double>(3, 0.0));
  EXPECT_FALSE(nothing.certificate.has_value());
}

TEST(GradientGeometry, OfOneGradientIsItself) {
  const GradientGeometry g = gradient_geometry(std::vector<float>{3, 4}, 1, 2);
  EXPECT_EQ(g.convex, std::vector<double>{1.0});
  EXPECT_EQ(g.shortest, 5);
}

}  // namespace
}  // namespace equipoise::test
