// tests/cuda/replay_test.cpp - the reference records, replayed on the device.
#include "engine/train/replay.h"
#include "tests/cuda/device_test.h"
#include "tests/cuda/problem.h"

namespace equipoise::test {

class Replay : public DeviceTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override { DeviceTest::SetUp(); }
};

TEST_P(Replay, OnTheDeviceAgreesWithTheRecordAndHasTheBitsOfTheCpus) {
  const TensorFile record =
      read_safetensors(std::string(EQUIPOISE_SOURCE_DIR "/tests/data/") + GetParam() + ".safetensors");
  const auto cpu = make_cpu_executor(1), device = make_cuda_executor(0);
  const TensorFile expected = replay_record(record, *cpu), got = replay_record(record, *device);
  const std::vector<Deviation> deviations = compare_record(record, got);
  EXPECT_GT(deviations.size(), 40u) << "outcomes are missing";
  // The record is float64, the engine float32: five steps of a few hundred roundings stay below 1e-4 of a tensor's
  // size.
  for (const Deviation& d : deviations)
    EXPECT_LE(d.worst, 1e-4) << d.name << "[" << d.at << "]: " << d.expected << ", got " << d.got;
  ASSERT_EQ(expected.tensors.size(), got.tensors.size());
  for (const auto& [name, tensor] : expected.tensors)
    EXPECT_EQ(tensor, got.at(name)) << name << " differs from the CPU's";
}

INSTANTIATE_TEST_SUITE_P(Records, Replay,
                         testing::Values("mldrl_paper_small", "mldrl_code_small", "towers_B10", "trunk_T4",
                                         "vaegan_B6"),
                         [](const auto& p) { return std::string(p.param); });

}  // namespace equipoise::test
