// tests/cuda/members_test.cpp - members with data sets, rows and class weights of their own on the device, against each
// of them alone on the CPU.
#include "tests/engine/train/member_cases.h"

#include "tests/cuda/device_test.h"

namespace equipoise::test {

class MembersOnTheDevice : public DeviceTest {};

/// Short, as the machine that runs PTX does it too.
TEST_F(MembersOnTheDevice, HaveTheBitsThatTheyHaveAloneOnTheCpu) {
  MemberCase c = different_members(synthetic_weighed(2));
  c.members = {c.members[2], c.members[3], c.members[0]};
  for (Member& m : c.members) m.plan.epochs = 1;
  const std::vector<Left> expected = left_alone(c, *make_cpu_executor(1));
  const auto device = make_cuda_executor(0);
  Trainer trainer(c.members, *device);
  const std::vector<Left> got = train_to_end(trainer, 1000);
  for (std::size_t m = 0; m < got.size(); ++m) {
    EXPECT_EQ(got[m].hash, expected[m].hash) << m;
    EXPECT_EQ(got[m].said, expected[m].said) << m;
    EXPECT_EQ(got[m].checkpoint, expected[m].checkpoint) << m;
  }
}

}  // namespace equipoise::test
