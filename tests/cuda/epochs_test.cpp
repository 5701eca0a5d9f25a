// tests/cuda/epochs_test.cpp - epochs inside a launch on the device, against the CPU: the AUC of MLDRL of two
// and of three classes, those of tasks, the losses of a trunk, the error of a VAE-GAN.
#include "tests/cuda/device_test.h"
#include "tests/engine/train/member_cases.h"

namespace equipoise::test {

class EpochsOnTheDevice : public DeviceTest {
 protected:
  /// Short, as the machine that runs PTX does it too.
  static void expect_those_of_the_cpu(MemberCase c) {
    c.members = {c.members[1], c.members[4], c.members[3]};
    for (Member& m : c.members) {
      m.plan.epochs = 3;
      m.plan.batch = 24;
    }
    const auto cpu = make_cpu_executor(1), device = make_cuda_executor(0);
    Trainer expected(c.members, *cpu), got(c.members, *device);
    const auto expected_epochs = expected.advance_epochs(1000), epochs = got.advance_epochs(1000);
    ASSERT_TRUE(got.finished());
    for (std::size_t r = 0; r < c.members.size(); ++r) {
      ASSERT_EQ(epochs[r].size(), expected_epochs[r].size()) << r;
      for (std::size_t e = 0; e < epochs[r].size(); ++e)
        EXPECT_EQ(to_json_line(got.program(), epochs[r][e], false),
                  to_json_line(expected.program(), expected_epochs[r][e], false))
            << r;
      EXPECT_EQ(got.checkpoint(r).tensors, expected.checkpoint(r).tensors) << r;
      EXPECT_EQ(told(got.best(r)), told(expected.best(r))) << r;
    }
  }
};

TEST_F(EpochsOnTheDevice, OfMldrlAreThoseOfTheCpu) { expect_those_of_the_cpu(different_members(synthetic_setup())); }
TEST_F(EpochsOnTheDevice, OfMoreClassesAreThoseOfTheCpu) { expect_those_of_the_cpu(members_of_three_classes("code")); }
TEST_F(EpochsOnTheDevice, OfTasksOfClassesAreThoseOfTheCpu) {
  MemberCase c = different_members(synthetic_trunk(4));
  c.members[4].plan.monitor = Monitor::none;
  c.members[1].plan.monitor = Monitor::deviance;
  expect_those_of_the_cpu(std::move(c));
}
TEST_F(EpochsOnTheDevice, OfATrunkAreThoseOfTheCpu) { expect_those_of_the_cpu(different_members(synthetic_trunk(2))); }
TEST_F(EpochsOnTheDevice, OfAVaeganAreThoseOfTheCpu) { expect_those_of_the_cpu(different_members(synthetic_vaegan())); }

}  // namespace equipoise::test
