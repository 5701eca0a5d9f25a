// tests/engine/train/members_on_several_test.cpp - members that are dealt to several executors have the bits that they
// have alone on one.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "engine/run/several_executors.h"
#include "tests/engine/run/team_executor.h"
#include "tests/engine/train/member_cases.h"

namespace equipoise::test {
namespace {

std::unique_ptr<Executor> cpus(const std::vector<int>& threads) {
  std::vector<std::unique_ptr<Executor>> executors;
  for (const int t : threads) executors.push_back(make_cpu_executor(t));
  return make_several(std::move(executors));
}

class MembersOnSeveral : public testing::TestWithParam<std::pair<std::string, Setup>> {
 protected:
  const MemberCase c = different_members(GetParam().second);
};

TEST_P(MembersOnSeveral, HaveTheBitsThatTheyHaveAlone) {
  const std::vector<Left> alone = left_alone(c, *make_cpu_executor(1));
  for (const std::vector<int>& threads : {std::vector{1, 1}, {2, 1, 1}, {1, 1, 1, 1, 1, 1, 1}}) {
    const auto several = cpus(threads);
    Trainer trainer(c.members, *several);
    const std::vector<Left> left = train_to_end(trainer, 7);
    for (std::size_t m = 0; m < left.size(); ++m) EXPECT_EQ(left[m], alone[m]) << threads.size() << ", member " << m;
  }
  const auto three = cpus({1, 1, 1});
  EXPECT_EQ(left_alone(c, *three), alone) << "a member on three executors";
}

TEST_P(MembersOnSeveral, ChooseTheSameEpochsWhereNobodyReadsTheirMetrics) {
  const auto one = make_cpu_executor(1), several = cpus({1, 1, 1});
  Trainer expected(c.members, *one), got(c.members, *several);
  while (!expected.finished()) expected.advance_without_metrics(1000);
  while (!got.finished()) got.advance_without_metrics(9);
  for (std::size_t r = 0; r < c.members.size(); ++r) {
    EXPECT_EQ(got.best_epoch(r), expected.best_epoch(r)) << r;
    EXPECT_EQ(got.model(r).tensors, expected.model(r).tensors) << r;
    EXPECT_EQ(got.checkpoint(r).tensors, expected.checkpoint(r).tensors) << r;
  }
}

TEST_P(MembersOnSeveral, GoOnFromCheckpointsOfAnother) {
  const auto one = make_cpu_executor(1), several = cpus({1, 1});
  Trainer first(c.members, *one), later(c.members, *several);
  first.advance_without_metrics(5);
  for (std::size_t r = c.members.size(); r-- > 0;) later.restore(first.checkpoint(r), r);
  while (!first.finished()) first.advance_without_metrics(1000);
  while (!later.finished()) later.advance_without_metrics(1000);
  for (std::size_t r = 0; r < c.members.size(); ++r)
    EXPECT_EQ(later.checkpoint(r).tensors, first.checkpoint(r).tensors) << r;
}

INSTANTIATE_TEST_SUITE_P(Systems, MembersOnSeveral, testing::ValuesIn(member_setups()),
                         [](const auto& p) { return p.param.first; });

TEST(ReplicasOnSeveral, HaveTheBitsThatTheyHaveOnOne) {
  const std::vector<uint32_t> numbers{0, 3, 1, 8, 5};
  const auto expected = train_system(synthetic_towers(3), *make_cpu_executor(1), 5, 2, numbers);
  EXPECT_EQ(train_system(synthetic_towers(3), *cpus({1, 2, 1}), 5, 2, numbers), expected);
  std::vector<std::unique_ptr<Executor>> unlike;
  unlike.push_back(std::make_unique<HostExecutor>(2, PlanLimits{INT64_MAX / 8, true}));
  unlike.push_back(std::make_unique<DeviceCutExecutor>(7, PlanLimits{1500, true}));
  EXPECT_EQ(train_system(synthetic_towers(3), *make_several(std::move(unlike)), 5, 2, numbers), expected)
      << "by the plan of the one with less fast memory";
}

}  // namespace
}  // namespace equipoise::test
