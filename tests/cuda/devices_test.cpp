// tests/cuda/devices_test.cpp - executors beside each other: by host threads that share a device.
#include <thread>

#include "tests/cuda/device_test.h"
#include "tests/cuda/problem.h"

namespace equipoise::test {

class Devices : public DeviceTest {};

TEST_F(Devices, AreSharedByHostThreadsWhoseProgramsTakeUnlikeSharedMemory) {
  const Problem problems[] = {make_problem("paper", 30, 5, 4), make_problem("paper", 60, 81, 81)};
  std::vector<Replicas> expected, got(2);
  for (const Problem& p : problems) expected.push_back(train(*make_cpu_executor(1), p, 2, 16, {3, false}, 8));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 2; ++i)
    threads.emplace_back([&, i] { got[i] = train(*make_cuda_executor(0), problems[i], 2, 16, {3, false}, 8); });
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < 2; ++i) expect_equal_bits(expected[i], got[i]);
}

}  // namespace equipoise::test
