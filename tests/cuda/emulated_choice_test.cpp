// tests/cuda/emulated_choice_test.cpp - what --device means where there is a GPU. Emulated device only.
#include <gtest/gtest.h>

#include <functional>

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

/// The name of a study's executors, of which a GPU has two, and what the log said.
std::pair<std::string, std::string> study_on(const std::string& device) {
  Log log(LogFormat::text);
  testing::internal::CaptureStderr();
  const auto executors = make_study_executors(device, log, 1);
  EXPECT_EQ(executors.size(), device == "cpu" ? 1u : 2u);
  for (const auto& executor : executors) EXPECT_EQ(executor->name(), executors[0]->name());
  return {executors[0]->name(), testing::internal::GetCapturedStderr()};
}

void expect_refused(ExitCode code, const std::string& sentence, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "nothing was refused: " << sentence;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(sentence), std::string::npos) << error.what();
  }
}

TEST(DeviceChoice, OfAStudyIsSeveralGpus) {
  using Told = std::pair<std::string, std::string>;
  EXPECT_EQ(cuda_devices_of("cuda:all"), (std::vector{0, 1}));
  EXPECT_EQ(cuda_devices_of("cuda:2,cuda:0"), (std::vector{2, 0}));
  EXPECT_EQ(cuda_devices_of("cuda,cuda:1"), (std::vector{0, 1}));
  EXPECT_EQ(study_on("cuda:all"), (Told{"emulated device + emulated device B",
                                        "device: emulated device + emulated device B (cuda:0, cuda:1)\n"}));
  EXPECT_EQ(study_on("cuda:1,cuda:0"), (Told{"emulated device B + emulated device",
                                             "device: emulated device B + emulated device (cuda:1, cuda:0)\n"}));
  EXPECT_EQ(study_on("cuda:1"), (Told{"emulated device B", ""}));
  EXPECT_EQ(study_on("cuda"), (Told{"emulated device", ""}));
  EXPECT_EQ(study_on("cpu").first, "CPU, 1 thread");
}

TEST(DeviceChoice, OfAStudyByItselfIsOneGpuAndSaysHowManyThereAre) {
  EXPECT_EQ(cuda_devices_of("auto"), std::vector{0});
  const auto [name, said] = study_on("auto");
  EXPECT_EQ(name, "emulated device");
  EXPECT_EQ(said, "device: emulated device (cuda:0); --device cuda:all would use all 2\n");
}

TEST(DeviceChoice, OfSeveralNamesEachOnceAndInFull) {
  for (const auto& [device, sentence] : {std::pair{"cuda:1,cuda:1", "cuda:1 is named twice"},
                                         {"cuda,cuda:0", "cuda:0 is named twice"},
                                         {"cpu,cuda:0", "cpu stands alone"},
                                         {"cuda:0,cpu", "cpu stands alone"},
                                         {"cuda:0,auto", "auto stands alone"},
                                         {"cuda:all,cuda:0", "cuda:all stands alone"},
                                         {"cuda:0,1", "'1' is no GPU"},
                                         {"cuda:0,", "'' is no GPU"},
                                         {",cuda:0", "'' is no GPU"},
                                         {",", "'' is no GPU"},
                                         {"cuda:0, cuda:1", "' cuda:1' is no GPU"},
                                         {"cuda:0,cuda:-1", "'cuda:-1' is no GPU"},
                                         {"cuda:0,cuda:al", "'cuda:al' is no GPU"}}) {
    expect_refused(ExitCode::usage, sentence, [&, named = device] { cuda_devices_of(named); });
    expect_refused(ExitCode::usage, sentence, [&, named = device] { cuda_device_of(named); });
  }
  expect_refused(ExitCode::usage, "did you mean 'cuda:all'?", [] { cuda_devices_of("cuda:al"); });
  expect_refused(ExitCode::device, "cuda:2: this machine's CUDA devices are cuda:0 to cuda:1",
                 [] { study_on("cuda:0,cuda:2"); });
  testing::internal::GetCapturedStderr();
}

TEST(DeviceChoice, OfOneModelIsOneDevice) {
  for (const char* several : {"cuda:all", "cuda:0,cuda:1"}) {
    expect_refused(ExitCode::usage, "name one, as cuda:0", [&] { cuda_device_of(several); });
    expect_refused(ExitCode::usage, "name one, as cuda:0", [&] { name_of(several); });
  }
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
