// tests/cuda/emulated_choice_test.cpp - what --device means where there is a GPU. Emulated device only.
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "host/run/device_choice.h"
#include "tests/cuda/emulated_device.h"

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

TEST(DeviceChoice, SaysBeforehandThatTheDriverWillCompile) {
  emulate(10, 3, "80-real, 90");
  for (const char* device : {"auto", "cuda:0"}) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(name_of(device), "emulated device");
    const std::string said = testing::internal::GetCapturedStderr();
    const std::string first = "compiling the kernels for compute capability 10.3, about half a minute the first time\n";
    EXPECT_EQ(said.substr(0, first.size()), first);
  }
  emulate(9, 0, "90");
  testing::internal::CaptureStderr();
  EXPECT_EQ(name_of("cuda"), "emulated device");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(DeviceCode, IsCompiledWhenLoadedWhereOnlyPtxFits) {
  const auto compiles = [](int major, int minor, const char* code) {
    DeviceInfo device;
    device.compute_major = major;
    device.compute_minor = minor;
    return compiles_when_loaded(device, code);
  };
  const char* const preset = "80-real, 90, 100-real, 120-real";
  for (const auto& [major, minor] : {std::pair{8, 0}, {8, 6}, {8, 9}, {9, 0}, {10, 0}, {10, 3}, {12, 0}, {12, 1}})
    EXPECT_FALSE(compiles(major, minor, preset)) << major << "." << minor << " has binary code";
  EXPECT_TRUE(compiles(11, 0, preset));
  EXPECT_TRUE(compiles(13, 0, preset));
  EXPECT_FALSE(compiles(7, 5, preset)) << "there is nothing to compile from";
  EXPECT_TRUE(compiles(10, 0, "80-real, 90"));
  EXPECT_TRUE(compiles(9, 0, "80, 86-real"));
  EXPECT_TRUE(compiles(9, 0, "90-virtual"));
  EXPECT_TRUE(compiles(8, 0, "75, 86-real")) << "code of a later minor version does not run";
  EXPECT_FALSE(compiles(9, 0, "80-real")) << "there is nothing to compile from";
  EXPECT_FALSE(compiles(8, 9, "90"));
  EXPECT_FALSE(compiles(9, 0, "native"));
  EXPECT_FALSE(compiles(9, 0, ""));
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
