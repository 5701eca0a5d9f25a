// tests/cuda/min_norm_batch_test.cpp - many min-norm problems have the CPU's bits on a device.
#include "kernels/run/min_norm_batch.h"

#include <stdexcept>
#include <vector>

#include "kernels/state/settings.h"
#include "tests/cuda/device_test.h"
#include "tests/cuda/problem.h"
#include "tests/kernels/balance/gradient_families.h"

namespace equipoise::test {

namespace {

using Doubles = std::vector<double>;

/// Everything on the device is NaN until it is written.
void expect_cpus_bits(int problems, int tasks) {
  GradientFamilies families(static_cast<uint64_t>(tasks));
  Doubles grams;
  for (int r = 0; r < problems; ++r) {
    Rows rows = families.rows(static_cast<Family>(r % kFamilies), tasks);
    const Doubles gram = families.gram(rows, static_cast<Change>(r / kFamilies % kChanges));
    grams.insert(grams.end(), gram.begin(), gram.end());
  }
  const auto count = static_cast<size_t>(problems), k = static_cast<size_t>(tasks);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Doubles expected(count * (k + 2), nan), got = expected;  // weights, values, gaps
  const auto solve = [&](const double* gram, double* to, auto&& solver) {
    solver(MinNormBatch{problems, tasks, gram, to, to + count * k, to + count * (k + 1)});
  };
  solve(grams.data(), expected.data(), [](const MinNormBatch& batch) { min_norm_batch_cpu(batch, 2); });
  DeviceMemory gram(0, grams.size() * sizeof(double)), to(0, got.size() * sizeof(double));
  gram.upload(grams.data(), grams.size() * sizeof(double));
  to.upload(got.data(), got.size() * sizeof(double));
  solve(gram.as<const double>(), to.as<double>(), [](const MinNormBatch& batch) { min_norm_batch_device(0, batch); });
  to.download(got.data(), got.size() * sizeof(double));
  expect_equal_bits(expected, got, std::to_string(problems) + " problems of " + std::to_string(tasks) + " tasks");
}

}  // namespace

class MinNormOnDevice : public DeviceTest {};

TEST_F(MinNormOnDevice, HasTheCpusBitsForEveryNumberOfTasks) {
  for (int tasks = 1; tasks <= kMaxTasks; ++tasks) expect_cpus_bits(53, tasks);
}

TEST_F(MinNormOnDevice, HasTheCpusBitsForOneProblem) {
  for (const int tasks : {2, 8, 32}) expect_cpus_bits(1, tasks);
}

TEST_F(MinNormOnDevice, HasTheCpusBitsForManyProblems) {
  for (const int tasks : {2, 3, 8}) expect_cpus_bits(10000, tasks);
}

TEST_F(MinNormOnDevice, TakesNoProblems) { min_norm_batch_device(0, {0, 3, nullptr, nullptr, nullptr, nullptr}); }

TEST_F(MinNormOnDevice, RefusesSizesOutOfRange) {
  EXPECT_THROW(min_norm_batch_device(0, {1, 0, nullptr, nullptr, nullptr, nullptr}), std::invalid_argument);
}

}  // namespace equipoise::test
