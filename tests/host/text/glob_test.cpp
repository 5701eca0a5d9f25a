// tests/host/text/glob_test.cpp - names by patterns.
#include "host/text/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace equipoise {
namespace {

TEST(Glob, StandsForAnyCharactersByAStarAndForOneByAQuestionMark) {
  EXPECT_TRUE(matches("t0_*", "t0_bili"));
  EXPECT_TRUE(matches("t0_*", "t0_"));
  EXPECT_FALSE(matches("t0_*", "t1_bili"));
  EXPECT_FALSE(matches("t0_*", "xt0_bili"));
  EXPECT_TRUE(matches("*_count", "cell_count"));
  EXPECT_FALSE(matches("*_count", "cell_counts"));
  EXPECT_TRUE(matches("a*b*c", "a_b_bc"));
  EXPECT_FALSE(matches("a*b*c", "acb"));
  EXPECT_TRUE(matches("x?", "x1"));
  EXPECT_FALSE(matches("x?", "x"));
  EXPECT_FALSE(matches("x?", "x12"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("a.b[c]", "a.b[c]")) << "all else stands for itself";
}

TEST(Glob, TakesNoTimeForPatternsThatWouldTryEverything) {
  const std::string name(5000, 'a');
  EXPECT_FALSE(matches("*a*a*a*a*a*a*a*a*a*a*b", name));
  EXPECT_TRUE(matches("*a*a*a*a*a*a*a*a*a*a*a", name));
}

}  // namespace
}  // namespace equipoise
