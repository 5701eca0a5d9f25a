// tests/cuda/device_test.h - a test that needs device 0 and is skipped, with the reason, where there is none.
#pragma once

#include <gtest/gtest.h>

#include "kernels/run/device.h"

namespace equipoise::test {

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    static const DeviceReport report = device_report(false);
    if (report.devices.empty()) GTEST_SKIP() << report.problem;
  }
};

}  // namespace equipoise::test
