// tests/cuda/gradient_geometry_test.cpp - `balance --device cuda`: G and the shortest convex combination have the CPU's
// bits where the stand-alone kernels of a device compute them.
#include "engine/balance/gradient_geometry.h"

#include <cstring>
#include <string>

#include "engine/base/error.h"
#include "tests/cuda/device_test.h"
#include "tests/reference/random_problem.h"

namespace equipoise::test {
namespace {

std::vector<float> random_gradients(int tasks, int64_t columns) {
  reference::Draws draws(static_cast<uint64_t>(tasks));
  std::vector<float> gradients(static_cast<std::size_t>(tasks * columns));
  for (float& x : gradients) x = static_cast<float>(draws.uniform(-1, 1.5));
  return gradients;
}

void expect_equal_bits(const std::vector<double>& a, const std::vector<double>& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(double)), 0);
}

void expect_the_cpus_bits(const std::vector<float>& gradients, int tasks, int64_t columns) {
  SCOPED_TRACE(std::to_string(tasks) + " x " + std::to_string(columns));
  const GradientGeometry cpu = gradient_geometry(gradients, tasks, columns);
  const GradientGeometry cuda = gradient_geometry(gradients, tasks, columns, 0);
  expect_equal_bits(cuda.gram, cpu.gram);
  expect_equal_bits(cuda.convex, cpu.convex);
  EXPECT_EQ(cuda.shortest, cpu.shortest);
  EXPECT_EQ(cuda.certificate, cpu.certificate);
}

class GradientGeometryOnDevice : public DeviceTest {};

TEST_F(GradientGeometryOnDevice, HasTheCpusBitsForAnyNumberOfTasks) {
  for (const int tasks : {1, 2, 3, 8, 9, 32})
    for (const int64_t columns : {1, 257, 5000}) expect_the_cpus_bits(random_gradients(tasks, columns), tasks, columns);
}

TEST_F(GradientGeometryOnDevice, LeavesZeroGradientsOutAsTheCpuDoes) {
  std::vector<float> gradients = random_gradients(4, 300);
  std::fill_n(gradients.begin() + 300, 300, 0.0f);
  expect_the_cpus_bits(gradients, 4, 300);
  expect_the_cpus_bits(std::vector<float>(600, 0.0f), 2, 300);
}

TEST_F(GradientGeometryOnDevice, RefusesADeviceThatIsNotThere) {
  for (const int device : {-1, 99}) {
    try {
      gradient_geometry(random_gradients(2, 3), 2, 3, device);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::device);
      EXPECT_NE(std::string(error.what()).find("cuda:" + std::to_string(device) + ": "), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace equipoise::test
