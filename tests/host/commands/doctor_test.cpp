// tests/host/commands/doctor_test.cpp - what doctor says of devices and of the toolkit built with, whatever is here.
#include <gtest/gtest.h>

#include <string>

#include "host/commands/commands.h"
#include "kernels/run/device.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

DeviceReport built_with_cuda() {
  DeviceReport report;
  report.driver_version = 12080;
  report.runtime_version = 12060;
  report.built_with_cuda = true;
  report.architectures = "8.0, 9.0";
  report.libraries = {{"Thrust", "2.5.1"}, {"CUB", "2.5.0"}, {"cuBLAS", "12.6.4"}};
  return report;
}

TEST(Doctor, NamesWhatOfTheToolkitIsBuiltIn) {
  EXPECT_CONTAINS(
      doctor_text(built_with_cuda()),
      "  code for    8.0, 9.0\n  runtime     CUDA 12.6\n  driver      CUDA 12.8\n"
      "  libraries   Thrust 2.5.1, CUB 2.5.0, cuBLAS 12.6.4 (cuBLAS and cuRAND serve benchmarks and tests)\n"
      "processor\n");
}

TEST(Doctor, SaysNothingOfAToolkitThatWasNotThere) {
  const std::string text = doctor_text(DeviceReport{});
  for (const char* word : {"code for", "runtime", "driver      ", "libraries"})
    EXPECT_EQ(text.find(word), std::string::npos) << text;
}

TEST(Doctor, ListsDevicesByTheirNumbers) {
  DeviceReport report = built_with_cuda();
  constexpr std::size_t kGiB = std::size_t{1} << 30;
  report.devices = {{"A", 8, 0, 108, 80 * kGiB, 79 * kGiB + kGiB / 2, 163 << 10},
                    {"B", 9, 0, 132, 141 * kGiB, 3 * kGiB, 227 << 10}};
  EXPECT_CONTAINS(doctor_text(report),
                  "devices\n"
                  "  cuda:0      A, compute capability 8.0, 108 multiprocessors, 79.5 of 80.0 GiB free, "
                  "163 KiB of shared memory a block\n"
                  "  cuda:1      B, compute capability 9.0, 132 multiprocessors, 3.0 of 141.0 GiB free, "
                  "227 KiB of shared memory a block\n"
                  "limits\n");
}

TEST(Doctor, SaysWhatToDoWhereThereIsNoDevice) {
  DeviceReport report;
  report.problem = "why";
  EXPECT_CONTAINS(doctor_text(report), "  none: why\n  to use a GPU: install the CUDA toolkit");
  report = built_with_cuda();
  EXPECT_CONTAINS(doctor_text(report), "  to use a GPU: see that nvidia-smi lists the device");
  report.driver_version = 0;
  EXPECT_CONTAINS(doctor_text(report), "  driver      none\n");
  EXPECT_CONTAINS(doctor_text(report), "  to use a GPU: install the NVIDIA driver");
}

}  // namespace
}  // namespace equipoise
