// tests/cuda/devices_test.cpp - executors beside each other: on one device by two host threads, on two devices, and on
// two devices as one.
#include <future>

#include "engine/run/several_executors.h"
#include "tests/cuda/device_test.h"
#include "tests/cuda/problem.h"
#include "tests/engine/train/member_cases.h"

namespace equipoise::test {

class Devices : public DeviceTest {};

TEST_F(Devices, AreSharedByHostThreadsWhoseProgramsTakeUnlikeSharedMemory) {
  const Problem problems[] = {make_problem("paper", 30, 5, 4), make_problem("paper", 60, 81, 81)};
  std::vector<std::future<Replicas>> got;
  for (const Problem& p : problems)
    got.push_back(std::async(std::launch::async, [&] {
      return train(*make_cuda_executor(0), p, 2, 16, {3, false}, 8);
    }));
  for (size_t i = 0; i < 2; ++i)
    expect_equal_bits(train(*make_cpu_executor(1), problems[i], 2, 16, {3, false}, 8), got[i].get());
}

class TwoDevices : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (!IsSkipped() && device_report(false).devices.size() < 2) GTEST_SKIP() << "one CUDA device, and this takes two";
  }
  static Problem problem() { return make_problem("paper", 60, 12, 9); }
  static Replicas expected() { return train(*make_cpu_executor(1), problem(), 3, 16, {3, false}, 4); }
};

TEST_F(TwoDevices, TrainByTurnsWithTheCpusBits) {
  const Problem p = problem();
  const std::unique_ptr<Executor> devices[] = {make_cuda_executor(0), make_cuda_executor(1)};
  const Program program =
      lower(p.setup.system->graph(Pass::train), training_options(p.setup, 16, devices[0]->plan_limits()));
  std::vector<Replicas> got(2, make_replicas(p, program, 3));
  for (size_t d = 0; d < 2; ++d) {
    devices[d]->load_tables(p.tables);
    devices[d]->load_state(got[d].state, program.state_floats);
  }
  for (int run = 0; run < 4; ++run)
    for (size_t d = 0; d < 2; ++d) devices[d]->run(program, got[d].settings, got[d].controls, {3, false});
  for (size_t d = 0; d < 2; ++d) {
    devices[d]->store_state(got[d].state);
    expect_equal_bits(expected(), got[d]);
  }
}

TEST_F(TwoDevices, TrainAtOnceWithTheCpusBits) {
  std::vector<std::future<Replicas>> got;
  for (int d = 0; d < 2; ++d)
    got.push_back(std::async(std::launch::async, [d] {
      return train(*make_cuda_executor(d), problem(), 3, 16, {3, false}, 4);
    }));
  for (std::future<Replicas>& of_a_device : got) expect_equal_bits(expected(), of_a_device.get());
}

TEST_F(TwoDevices, AsOneTrainMembersWithTheBitsThatTheyHaveAlone) {
  MemberCase c = different_members(synthetic_setup());
  for (Member& m : c.members) m.plan.epochs = std::min(m.plan.epochs, 3);
  const std::vector<Left> alone = left_alone(c, *make_cpu_executor(1));
  std::vector<std::unique_ptr<Executor>> devices;
  for (int d = 0; d < 2; ++d) devices.push_back(make_cuda_executor(d));
  const auto both = make_several(std::move(devices));
  Trainer five(c.members, *both);
  const std::vector<Left> left = train_to_end(five, 7);
  for (std::size_t m = 0; m < left.size(); ++m) EXPECT_EQ(left[m], alone[m]) << m;
  Trainer one({&c.members[3], 1}, *both);
  EXPECT_EQ(train_to_end(one, 1000).front(), alone[3]) << "a member, for which one device has no use";
}

}  // namespace equipoise::test
