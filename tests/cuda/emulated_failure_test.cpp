// tests/cuda/emulated_failure_test.cpp - what the CUDA executor does when the device fails. Emulated device only.
#include "engine/base/error.h"
#include "tests/cuda/emulated_device.h"
#include "tests/cuda/problem.h"

namespace equipoise::test {

TEST(FailedLaunch, EndsTheRunWithADeviceErrorAndNothingCanBeReadAfterIt) {
  const Problem problem = make_problem("paper", 40, 5, 4);
  const auto device = make_cuda_executor(0);
  const Program program =
      lower(problem.setup.system->graph(Pass::train), training_options(problem.setup, 16, device->plan_limits()));
  Replicas r = make_replicas(problem, program, 2);
  device->load_tables(problem.tables);
  device->load_state(r.state, program.state_floats);
  device->run(program, r.settings, r.controls, {2, false});
  fail_next_launch();
  const auto expect_device_error = [](auto&& call) {
    try {
      call();
      FAIL() << "the failure was not noticed";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::device);
      EXPECT_NE(std::string(e.what()).find("planted failure"), std::string::npos) << e.what();
    }
  };
  expect_device_error([&] { device->run(program, r.settings, r.controls, {2, false}); });
  expect_device_error([&] { device->run(program, r.settings, r.controls, {2, false}); });
  expect_device_error([&] { device->store_state(r.state); });
  expect_device_error([&] { device->load_state(r.state, program.state_floats); });
  expect_device_error([&] { device->load_tables(problem.tables); });
}

}  // namespace equipoise::test
