// tests/cuda/training_test.cpp - training on the device gives the CPU's bits.
#include "engine/base/error.h"
#include "tests/cuda/device_test.h"
#include "tests/cuda/problem.h"

namespace equipoise::test {

class Training : public DeviceTest, public testing::WithParamInterface<std::tuple<const char*, int>> {
 protected:
  void SetUp() override { DeviceTest::SetUp(); }
};

TEST_P(Training, OfFiftyStepsHasTheSameBitsAsOnTheCpu) {
  const auto [variant, replicas] = GetParam();
  const Problem problem = make_problem(variant, 150, 81, 81);  // batches of 32: the last of an epoch has 22 rows
  const auto cpu = make_cpu_executor(0), device = make_cuda_executor(0);
  const Replicas expected = train(*cpu, problem, replicas, 32, {50, false});
  const Replicas got = train(*device, problem, replicas, 32, {50, false});
  RecordProperty("cpu_hash", hash(expected));
  RecordProperty("device_hash", hash(got));
  expect_equal_bits(expected, got);
  EXPECT_EQ(got.controls.back().step, 50);
  EXPECT_EQ(got.controls.back().skipped, 0);
  EXPECT_NE(
      std::memcmp(expected.state.data(),
                  make_replicas(
                      problem, lower(problem.setup.system->graph(Pass::train), training_options(problem.setup, 32, {})),
                      replicas)
                      .state.data(),
                  expected.state.size() * sizeof(float)),
      0)
      << "nothing was trained";
}

INSTANTIATE_TEST_SUITE_P(Replicas, Training,
                         testing::Combine(testing::Values("paper", "code"), testing::Values(1, 3, 64)),
                         [](const auto& p) { return std::get<0>(p.param) + std::to_string(std::get<1>(p.param)); });

class OptIn : public DeviceTest {};

/// Short, as tools/gpu-check runs it under sanitizers too.
TEST_F(OptIn, LaunchesWithMoreSharedMemoryThanEveryDeviceGivesHaveTheCpusBits) {
  const Problem problem = make_problem("paper", 40, 81, 81);
  const auto device = make_cuda_executor(0);
  const Program program =
      lower(problem.setup.system->graph(Pass::train), training_options(problem.setup, 16, device->plan_limits()));
  ASSERT_GT(program.fast_floats * sizeof(float), 48u * 1024);
  const Replicas expected = train(*make_cpu_executor(1), problem, 2, 16, {4, false});
  expect_equal_bits(expected, train(*device, problem, 2, 16, {4, false}));
}

class DeviceName : public DeviceTest {};

TEST_F(DeviceName, IsThatOfTheReport) { EXPECT_EQ(make_cuda_executor(0)->name(), device_report().devices[0].name); }

TEST_F(DeviceName, ThatDoesNotExistIsRefusedWithTheOnesThatDo) {
  try {
    make_cuda_executor(1000);
    FAIL() << "device 1000 was accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::device);
    EXPECT_NE(std::string(e.what()).find("cuda:0"), std::string::npos) << e.what();
  }
}

}  // namespace equipoise::test
