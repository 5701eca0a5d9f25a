// tests/cuda/emulated_members_test.cpp - members of a study in waves, and what is copied for one of them. Emulated
// device only.
#include "engine/run/cuda_executor.h"

#include <gtest/gtest.h>

#include "tests/cuda/emulated_device.h"
#include "tests/engine/train/member_cases.h"

namespace equipoise::test {

class MembersInWaves : public testing::TestWithParam<std::pair<std::string, equipoise::Setup>> {};

TEST_P(MembersInWaves, HaveTheBitsThatTheyHaveAlone) {
  MemberCase c = different_members(GetParam().second);
  for (Member& m : c.members) m.plan.epochs = std::min(m.plan.epochs, 3);
  const std::vector<Left> expected = left_alone(c, *make_cpu_executor(1));
  memory_use();
  CudaOptions options;
  int in_a_wave = 5;
  for (size_t eighths = 8; in_a_wave == 5; --eighths) {  // first evaluations need waves, then steps too
    const auto device = make_cuda_executor(0, options);
    launches();
    Trainer trainer(c.members, *device);
    EXPECT_EQ(train_to_end(trainer, 3), expected) << eighths << " eighths of the memory";
    if (eighths == 8) options.memory = memory_use().most;
    options.memory -= options.memory / eighths;
    in_a_wave = 0;
    for (const Launched& launch : launches()) in_a_wave = std::max(in_a_wave, launch.replicas);
  }
}

INSTANTIATE_TEST_SUITE_P(Systems, MembersInWaves, testing::ValuesIn(member_setups()),
                         [](const auto& p) { return p.param.first; });

TEST(StatesOnTheDevice, OfOneReplicaAreCopiedAlone) {
  const MemberCase c = different_members(synthetic_towers(2));
  const auto device = make_cuda_executor(0);
  Trainer trainer(c.members, *device);
  trainer.advance_all(2);  // the state is on the device from here on
  const size_t state = static_cast<size_t>(trainer.program().state_floats) * sizeof(float);
  bytes_downloaded();
  const TensorFile first = trainer.checkpoint(0);
  EXPECT_EQ(bytes_downloaded(), state);
  const std::string hash = trainer.hash({}, 2);
  trainer.advance_all(1);
  bytes_downloaded();
  trainer.restore(first, 0);
  EXPECT_EQ(bytes_downloaded(), 0u);
  EXPECT_EQ(trainer.checkpoint(0).metadata_at("sha256"), first.metadata_at("sha256"));
  EXPECT_NE(trainer.hash({}, 2), hash) << "another replica went back";
  std::vector<float> none;
  EXPECT_THROW(device->load_states(6, none), std::logic_error);
}

}  // namespace equipoise::test
