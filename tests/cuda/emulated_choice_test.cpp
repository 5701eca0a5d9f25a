// tests/cuda/emulated_choice_test.cpp - what --device means where there is a GPU. Emulated device only.
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "host/run/device_choice.h"

namespace equipoise::test {
namespace {

std::string name_of(const std::string& device) {
  Log log(LogFormat::text);
  return make_executor(device, log)->name();
}

TEST(DeviceChoice, OfAutoIsTheGpuAndSaysSo) {
  EXPECT_EQ(cuda_device_of("auto"), 0);
  testing::internal::CaptureStderr();
  EXPECT_EQ(name_of("auto"), "emulated device");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "device: emulated device (cuda:0)\n");
}

TEST(DeviceChoice, OfANameIsThatDevice) {
  for (const char* device : {"cuda", "cuda:0"}) {
    EXPECT_EQ(cuda_device_of(device), 0);
    EXPECT_EQ(name_of(device), "emulated device");
  }
  EXPECT_EQ(cuda_device_of("cuda:12"), 12);
  EXPECT_EQ(cuda_device_of("cpu"), std::nullopt);
  EXPECT_EQ(name_of("cpu").substr(0, 3), "CPU");
  for (const char* device : {"gpu", "cuda:", "cuda:-1", "cuda:1x", "CPU"}) {
    try {
      cuda_device_of(device);
      ADD_FAILURE() << device << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage) << device;
    }
  }
}

}  // namespace
}  // namespace equipoise::test
