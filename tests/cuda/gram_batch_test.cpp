// tests/cuda/gram_batch_test.cpp - Gram matrices of many stacks of gradients have the CPU's bits on a device.
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/run/gram_batch_launch.h"
#include "tests/cuda/device_test.h"
#include "tests/reference/random_problem.h"

namespace equipoise::test {

namespace {

/// NaN behind each row; every entry of G, the partial sums included, is NaN until it is written.
void expect_equal_bits(int64_t replicas, int tasks, int64_t columns, double size = 1.0) {
  const int64_t stride = columns + 3;
  std::vector<float> gradients(static_cast<size_t>(replicas * tasks * stride), NAN);
  reference::Draws draws(5);
  for (int64_t r = 0; r < replicas * tasks; ++r)
    for (int64_t e = 0; e < columns; ++e)
      gradients[static_cast<size_t>(r * stride + e)] = static_cast<float>(draws.uniform(-size, size));
  const std::string name =
      std::to_string(replicas) + " x [" + std::to_string(tasks) + ", " + std::to_string(columns) + "]";

  GramBatch batch{replicas, columns, tasks, stride, gradients.data(), nullptr};
  std::vector<double> expected(static_cast<size_t>(replicas * tasks * tasks)), got(expected.size(), NAN);
  batch.gram = expected.data();
  gram_batch_cpu(batch, 2);

  const std::vector<double> nothing(static_cast<size_t>(gram_scratch(batch)), NAN);
  DeviceMemory on_device(0, gradients.size() * sizeof(float)), gram(0, got.size() * sizeof(double)),
      partials(0, nothing.size() * sizeof(double));
  on_device.upload(gradients.data(), gradients.size() * sizeof(float));
  gram.upload(got.data(), got.size() * sizeof(double));
  partials.upload(nothing.data(), nothing.size() * sizeof(double));
  batch.gradients = on_device.as<const float>();
  batch.gram = gram.as<double>();
  gram_batch_device(0, batch, partials.as<double>());
  gram.download(got.data(), got.size() * sizeof(double));
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(std::memcmp(&expected[i], &got[i], sizeof(double)), 0)
        << name << ": entry " << i << " is " << got[i] << " where the CPU has " << expected[i];
}

}  // namespace

class GramBatchOnDevice : public DeviceTest {};

TEST_F(GramBatchOnDevice, HasTheCpusBitsForEveryNumberOfTasks) {
  for (int tasks = 1; tasks <= kMaxTasks; ++tasks) expect_equal_bits(2, tasks, 5000);
}

TEST_F(GramBatchOnDevice, HasTheCpusBitsWhereverRowsChunksAndLevelsEnd) {
  for (const int tasks : {2, 8, 12})
    for (const int64_t columns : {1, 15, 16, 17, 255, 256, 257, 2048, 2049, 4095, 4096, 4097, 65536, 65537, 1100000})
      expect_equal_bits(1, tasks, columns);
}

TEST_F(GramBatchOnDevice, HasTheCpusBitsForManyReplicas) { expect_equal_bits(3000, 3, 40); }

TEST_F(GramBatchOnDevice, HasTheCpusBitsAtScalesWhoseSquaresAFloatCannotHold) {
  for (const double size : {1e-44, 1e-30, 1e30}) expect_equal_bits(1, 9, 4500, size);
}

TEST_F(GramBatchOnDevice, RefusesSizesOutOfRange) {
  EXPECT_THROW(gram_batch_device(0, {1, 0, 2, 1, nullptr, nullptr}, nullptr), std::invalid_argument);
}

}  // namespace equipoise::test
