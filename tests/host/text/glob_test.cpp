// tests/host/text/glob_test.cpp - names by patterns.
#include "host/text/glob.h"

#include <gtest/gtest.h>

#include <chrono>

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

TEST(NamePatterns, FitByNameAndByPattern) {
  const NamePatterns patterns(std::vector<std::string>{"b", "a*", "c?"});
  for (const char* name : {"b", "a", "ab", "c1", "a*"}) EXPECT_TRUE(patterns.fit(name)) << name;
  for (const char* name : {"", "bb", "c", "c12", "ba"}) EXPECT_FALSE(patterns.fit(name)) << name;
  EXPECT_TRUE(patterns.list("a*") && patterns.list("b"));
  EXPECT_FALSE(patterns.list("ab") || patterns.list("a"));
  EXPECT_EQ(patterns.given(), (std::vector<std::string>{"b", "a*", "c?"}));
  EXPECT_TRUE(NamePatterns().empty() && !NamePatterns().fit(""));
}

TEST(NamePatterns, TellTheFirstThatNoNameFits) {
  const std::vector<std::string> names{"b", "ax", "c1"};
  const auto unfit = [&](std::vector<std::string> patterns) {
    const NamePatterns all(std::move(patterns));
    const std::string* found = all.without_name(names);
    return found ? *found : "none";
  };
  EXPECT_EQ(unfit({"b", "a*", "c?"}), "none");
  EXPECT_EQ(unfit({"b", "d", "e"}), "d");
  EXPECT_EQ(unfit({"a*", "c??", "b"}), "c??");
  EXPECT_EQ(unfit({}), "none");
}

TEST(NamePatterns, TakeNoTimeForThousandsOfNames) {
  std::vector<std::string> names, asked;
  for (int i = 0; i < 50'000; ++i)
    names.push_back("column" + std::to_string(i)), asked.push_back("asked" + std::to_string(i));
  const auto began = std::chrono::steady_clock::now();
  const NamePatterns patterns(asked);
  int fit = 0;
  for (const std::string& name : names) fit += patterns.fit(name) ? 1 : 0;
  EXPECT_EQ(fit, 0);
  EXPECT_EQ(*patterns.without_name(names), "asked0");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));  // 0.02 s; one by one 20 s
}

}  // namespace
}  // namespace equipoise
