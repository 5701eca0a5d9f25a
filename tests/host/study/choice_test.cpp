// tests/host/study/choice_test.cpp - which setting is chosen, worked out by hand.
#include "host/study/choice.h"

#include <gtest/gtest.h>

#include <cmath>

namespace equipoise {
namespace {

/// Two repeats of two folds, two inner folds each, two settings, two seeds.
StudyPlan plan_of_two() {
  StudyPlan plan;
  plan.settings = {{{"optimizer.lr=0.1"}}, {{"optimizer.lr=0.2"}}};
  for (const int repeat : {1, 2})
    for (const char* fold : {"1", "2"})
      for (const int inner : {1, 2}) plan.splits.push_back({repeat, fold, inner});
  for (std::size_t split = 0; split < plan.splits.size(); ++split)
    for (const std::size_t setting : {0u, 1u})
      for (const uint64_t seed : {7u, 8u})
        plan.members.push_back({static_cast<int>(plan.members.size()) + 1, setting, split, seed});
  return plan;
}

/// All members have the inner figure of their setting.
std::map<int, MemberResult> results_of(const StudyPlan& plan, double first, double second) {
  std::map<int, MemberResult> results;
  for (const StudyMember& member : plan.members) {
    MemberResult& r = results[member.number];
    r.number = member.number;
    r.inner = member.setting == 0 ? first : second;
  }
  return results;
}

TEST(Choice, OuterPartsAreTheFoldsOfRepeats) {
  const auto parts = outer_parts(plan_of_two());
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(parts[0], (std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(parts[3].front(), 24u);
}

TEST(Choice, TheLargestMeanOverSeedsAndInnerFoldsWins) {
  const StudyPlan plan = plan_of_two();
  auto results = results_of(plan, .8, .7);
  // Members 3, 4, 7, 8 are the second setting's of the first part: their mean .825 beats .8 by two large figures alone.
  results[3].inner = .99;
  results[7].inner = .91;
  const std::vector<OuterChoice> choices = choose(plan, results);
  ASSERT_EQ(choices.size(), 4u);
  EXPECT_EQ(choices[0].setting, 1u);
  EXPECT_DOUBLE_EQ(choices[0].inner, (.99 + .7 + .91 + .7) / 4);
  EXPECT_EQ(choices[0].members, (std::vector<std::size_t>{2, 3, 6, 7}));
  EXPECT_EQ(choices[0].split, (StudySplit{1, "1", 0}));
  for (std::size_t part = 1; part < 4; ++part) EXPECT_EQ(choices[part].setting, 0u);
  const auto figures = inner_figures(plan, results);
  EXPECT_DOUBLE_EQ(figures[1][0], .825);
  EXPECT_DOUBLE_EQ(figures[1][1], .7);
  EXPECT_DOUBLE_EQ(figures[0][3], .8);
}

TEST(Choice, AMemberThatFailedCountsAgainstItsSettingAndIsNotAsked) {
  const StudyPlan plan = plan_of_two();
  auto results = results_of(plan, .6, .9);
  results[3].failure = "stopped at step 5";
  const std::vector<OuterChoice> choices = choose(plan, results);
  EXPECT_EQ(choices[0].setting, 0u) << "a setting all of whose members are sound, though its figure is smaller";
  EXPECT_EQ(choices[1].setting, 1u);
  EXPECT_TRUE(std::isnan(inner_figures(plan, results)[1][0]));
  for (const int number : {1, 2, 5, 6}) results[number].failure = "frozen";
  EXPECT_EQ(choose(plan, results)[0].setting, 1u);
  EXPECT_EQ(choose(plan, results)[0].members, (std::vector<std::size_t>{3, 6, 7}));
}

TEST(Choice, EqualFiguresGoToTheFirstAndUndefinedOnesLast) {
  const StudyPlan plan = plan_of_two();
  EXPECT_EQ(choose(plan, results_of(plan, .5, .5))[0].setting, 0u);
  EXPECT_EQ(choose(plan, results_of(plan, kUndefined, .1))[0].setting, 1u);
  EXPECT_EQ(choose(plan, results_of(plan, kUndefined, kUndefined))[0].setting, 0u);
}

TEST(Choice, AMemberWithoutAResultIsAMistake) {
  const StudyPlan plan = plan_of_two();
  auto results = results_of(plan, .5, .6);
  results.erase(9);
  EXPECT_THROW(choose(plan, results), std::logic_error);
}

}  // namespace
}  // namespace equipoise
