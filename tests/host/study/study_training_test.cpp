// tests/host/study/study_training_test.cpp - how many members of a study train at once.
#include "host/study/study_training.h"

#include <gtest/gtest.h>

#include "engine/run/several_executors.h"
#include "tests/engine/train/member_cases.h"

namespace equipoise::test {
namespace {

TEST(MembersAtOnce, AreAsManyOnEachDevice) {
  const MemberCase c = different_members(synthetic_trunk(2));
  const auto of = [&](int devices) {
    std::vector<std::unique_ptr<Executor>> executors;
    for (int d = 0; d < devices; ++d) executors.push_back(make_cpu_executor(1));
    const auto all = make_several(std::move(executors));
    return members_at_once(c.members[0], *all, 8);
  };
  EXPECT_EQ(of(1), 8u);
  EXPECT_EQ(of(3), 24u);
}

}  // namespace
}  // namespace equipoise::test
