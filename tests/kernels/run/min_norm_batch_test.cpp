// tests/kernels/run/min_norm_batch_test.cpp - many min-norm problems at once: each with the bits it has alone.
#include "kernels/run/min_norm_batch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/balance/solve/min_norm.h"
#include "kernels/state/settings.h"
#include "tests/kernels/balance/gradient_families.h"

namespace equipoise::test {
namespace {

using Doubles = std::vector<double>;

/// Gram matrices of every family, one after another, at scales that need equilibrating in every other one.
Doubles grams_of(int problems, int tasks) {
  GradientFamilies families(31);
  Doubles all;
  for (int r = 0; r < problems; ++r) {
    Rows rows = families.rows(static_cast<Family>(r % kFamilies), tasks);
    const Doubles gram = families.gram(rows, r % 2 ? Change::scales : Change::none);
    all.insert(all.end(), gram.begin(), gram.end());
  }
  return all;
}

struct Solutions {
  Solutions(std::size_t problems, std::size_t tasks)
      : weights(problems * tasks + 1, kUnwritten), values(problems + 1, kUnwritten), gaps(problems + 1, kUnwritten) {}

  static constexpr double kUnwritten = -7.5;
  Doubles weights, values, gaps;  // each with a guard behind it
};

Solutions solve(const Doubles& grams, int problems, int tasks, int threads) {
  Solutions s(static_cast<std::size_t>(problems), static_cast<std::size_t>(tasks));
  min_norm_batch_cpu({problems, tasks, grams.data(), s.weights.data(), s.values.data(), s.gaps.data()}, threads);
  return s;
}

Solutions solve_one_by_one(const Doubles& grams, int problems, int tasks) {
  const auto count = static_cast<std::size_t>(problems), k = static_cast<std::size_t>(tasks);
  Solutions s(count, k);
  for (std::size_t r = 0; r < count; ++r) {
    Doubles scratch(static_cast<std::size_t>(min_norm_scratch(tasks)), std::numeric_limits<double>::quiet_NaN());
    const MinNorm norm =
        min_norm(SerialTeam{}, tasks, grams.data() + r * k * k, s.weights.data() + r * k, scratch.data());
    s.values[r] = norm.value;
    s.gaps[r] = norm.gap;
  }
  return s;
}

void expect_equal_doubles(const Doubles& expected, const Doubles& got, const std::string& what) {
  ASSERT_EQ(expected.size(), got.size()) << what;
  EXPECT_EQ(std::memcmp(expected.data(), got.data(), got.size() * sizeof(double)), 0) << what;
}

void expect_equal_bits(const Solutions& expected, const Solutions& got, const std::string& where) {
  expect_equal_doubles(expected.weights, got.weights, "weights, " + where);
  expect_equal_doubles(expected.values, got.values, "values, " + where);
  expect_equal_doubles(expected.gaps, got.gaps, "gaps, " + where);
}

TEST(MinNormBatch, SolvesEachProblemAsIfItWereAloneOnAnyNumberOfThreads) {
  for (const int tasks : {1, 2, 3, 4, 5, 8, 16, 32}) {
    const int problems = tasks > 8 ? 21 : 203;
    const Doubles grams = grams_of(problems, tasks);
    const Solutions expected = solve_one_by_one(grams, problems, tasks);
    for (const int threads : {1, 2, 3, 7, 32})
      expect_equal_bits(expected, solve(grams, problems, tasks, threads),
                        std::to_string(tasks) + " tasks, " + std::to_string(threads) + " threads");
  }
}

TEST(MinNormBatch, TakesMoreThreadsThanProblems) {
  const Doubles grams = grams_of(3, 4);
  expect_equal_bits(solve_one_by_one(grams, 3, 4), solve(grams, 3, 4, 50), "50 threads for 3 problems");
}

TEST(MinNormBatch, OfNoProblemsWritesNothing) {
  const Solutions s = solve({}, 0, 5, 4);
  EXPECT_EQ(s.weights[0], Solutions::kUnwritten);
  EXPECT_EQ(s.values[0], Solutions::kUnwritten);
}

TEST(MinNormBatch, CountsTheScratchOfAProblem) {
  for (int tasks = 1; tasks <= kMaxTasks; ++tasks)
    ASSERT_EQ(min_norm_batch_scratch(tasks), min_norm_scratch(tasks)) << tasks;
}

TEST(MinNormBatch, RefusesSizesOutOfRange) {
  double one[1] = {1};
  const auto refuse = [&](int64_t problems, int tasks, int threads) {
    EXPECT_THROW(min_norm_batch_cpu({problems, tasks, one, one, one, one}, threads), std::invalid_argument);
  };
  refuse(-1, 1, 1);
  refuse(1, 0, 1);
  refuse(1, kMaxTasks + 1, 1);
  refuse(1, 1, 0);
}

}  // namespace
}  // namespace equipoise::test
