// tests/cuda/made_kernels_test.cpp - kernels that are made for their programs, compiled by NVRTC, give the CPU's bits.
//
// With EQUIPOISE_TEST_KERNELS=generated all tests of a program run on made kernels, which cannot fall back on the
// interpreter; the compiled ones are kept where XDG_CACHE_HOME says.
#include <cstdlib>

#include "engine/run/cuda_executor.h"
#include "tests/cuda/device_test.h"
#include "tests/cuda/problem.h"
#include "tests/engine/train/member_cases.h"

namespace equipoise::test {
namespace {

/// Of the whole program: says which kernels its executors take.
class Kernels : public testing::Environment {
 public:
  void SetUp() override {
    const char* const kernels = std::getenv("EQUIPOISE_TEST_KERNELS");
    if (kernels && std::string(kernels) == "generated") CudaOptions::usual_kernel_mode = KernelMode::generated;
  }
};
[[maybe_unused]] const testing::Environment* const kernels = testing::AddGlobalTestEnvironment(new Kernels);

class MadeKernelsOfPrograms : public DeviceTest {};

std::unique_ptr<Executor> device_with(KernelMode mode) {
  CudaOptions options;
  options.kernel_mode = mode;
  return make_cuda_executor(0, options);
}

/// Three batches an epoch, the last of six rows.
Problem small_problem() { return make_problem("paper", 30, 9, 5); }

TEST_F(MadeKernelsOfPrograms, GiveTheBitsOfTheCpuAndNoStepToTheInterpreter) {
  const auto cpu = make_cpu_executor(0), device = device_with(KernelMode::generated);
  const Replicas expected = train(*cpu, small_problem(), 2, 12, {8, false});
  const Replicas got = train(*device, small_problem(), 2, 12, {8, false});
  expect_equal_bits(expected, got);
  EXPECT_EQ(device->kernel_use().generated_steps, 2 * 8);
  EXPECT_EQ(device->kernel_use().interpreted_steps, 0);
}

TEST_F(MadeKernelsOfPrograms, TakeTurnsWithTheInterpreterInTheMiddleOfAnEpoch) {
  const Problem problem = small_problem();
  const auto cpu = make_cpu_executor(0);
  const std::unique_ptr<Executor> devices[] = {device_with(KernelMode::interpreter),
                                               device_with(KernelMode::generated)};
  const Program program =
      lower(problem.setup.system->graph(Pass::train), training_options(problem.setup, 12, devices[0]->plan_limits()));
  Replicas expected = make_replicas(problem, program, 2), got = expected;
  for (const auto& executor : {cpu.get(), devices[0].get(), devices[1].get()}) executor->load_tables(problem.tables);
  cpu->load_state(expected.state, program.state_floats);
  int turn = 0;
  for (const int steps : {1, 2, 1, 4, 2}) {  // epochs end behind 3, 6 and 9
    SCOPED_TRACE(turn);
    Executor& device = *devices[turn++ % 2];
    cpu->run(program, expected.settings, expected.controls, {steps, false});
    device.load_state(got.state, program.state_floats);
    device.run(program, got.settings, got.controls, {steps, false});
    device.store_state(got.state);
    cpu->store_state(expected.state);
    expect_equal_bits(expected, got);
  }
  EXPECT_EQ(devices[0]->kernel_use().interpreted_steps, 2 * (1 + 1 + 2));
  EXPECT_EQ(devices[1]->kernel_use().generated_steps, 2 * (2 + 4));
}

TEST_F(MadeKernelsOfPrograms, TrainEpochsOfMembersAsTheCpuDoes) {
  MemberCase k = members_of_three_classes("paper");
  k.members = {k.members[3], k.members[0]};
  for (Member& member : k.members) member.plan.epochs = 2;
  const auto cpu = make_cpu_executor(0), device = device_with(KernelMode::generated);
  Trainer expected(k.members, *cpu), got(k.members, *device);
  expected.advance_epochs(1000);
  got.advance_epochs(1000);
  ASSERT_TRUE(got.finished());
  for (std::size_t r = 0; r < k.members.size(); ++r) {
    EXPECT_EQ(got.best_epoch(r), expected.best_epoch(r));
    EXPECT_EQ(got.checkpoint(r).tensors, expected.checkpoint(r).tensors) << "member " << r;
  }
  EXPECT_EQ(device->kernel_use().interpreted_steps, 0) << "evaluations too are the made kernel's";
}

}  // namespace
}  // namespace equipoise::test
