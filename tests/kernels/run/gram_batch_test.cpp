// tests/kernels/run/gram_batch_test.cpp - Gram matrices of many stacks of gradients: a step's own bits, on every team.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/ops/join.h"
#include "kernels/run/gram_batch_launch.h"
#include "kernels/teams/host_team.h"
#include "tests/reference/random_problem.h"

namespace equipoise::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Replicas of [K, D] gradients: NaN between the rows and memory that ends with the last of them.
struct Stacks {
  Stacks(int64_t replicas, int tasks, int64_t columns, int64_t padding = 0, double size = 1.0)
      : values(static_cast<std::size_t>((replicas * tasks - 1) * (columns + padding) + columns), NAN),
        batch{replicas, columns, tasks, columns + padding, values.data(), nullptr} {
    reference::Draws draws(17);
    for (int64_t r = 0; r < replicas * tasks; ++r)
      for (int64_t e = 0; e < columns; ++e) row(r)[e] = static_cast<float>(draws.uniform(-size, size));
  }
  float* row(int64_t number) { return values.data() + number * batch.row_stride; }
  std::string name() const {
    return std::to_string(batch.replicas) + " x [" + std::to_string(batch.tasks) + ", " +
           std::to_string(batch.columns) + "]";
  }

  std::vector<float> values;
  GramBatch batch;
};

/// A NaN wherever nothing is written.
std::vector<double> unwritten(int64_t count) { return std::vector<double>(static_cast<std::size_t>(count), kNaN); }

int64_t gram_size(const GramBatch& b) { return b.replicas * b.tasks * b.tasks; }

std::vector<double> gram_of(const GramBatch& given, int threads = 1) {
  std::vector<double> gram = unwritten(gram_size(given));
  GramBatch batch = given;
  batch.gram = gram.data();
  gram_batch_cpu(batch, threads);
  return gram;
}

/// The same by the bodies, on the team and with the rows in a pass that are asked for.
template <class Team, bool Alone>
std::vector<double> gram_by(int threads, int pass_rows, const GramBatch& given) {
  const int panel = kPanel<Team>, kept = static_cast<int>(pairs_of(given.tasks));
  std::vector<double> gram = unwritten(gram_size(given)), partials = unwritten(gram_scratch(given));
  std::vector<double> scratch = unwritten(team_scratch(panel * panel, kept, pass_rows));
  double* const row_sums = scratch.data() + panel * panel * pass_rows * kSlotStride;
  GramBatch batch = given;
  batch.gram = gram.data();
  const int64_t items = Team::kLanes == 1 ? device_items(batch) : host_items(batch);
  run_host_team<Team>(threads, [&](const Team& team) {
    for (int64_t i = 0; i < items; ++i)
      gram_chunk<Team, Alone>(team, batch, gram_item<Team>(batch, i, scratch.data(), row_sums), pass_rows,
                              partials.data());
    for (int64_t p = 0; p < batch.replicas * kept; ++p) gram_finish(team, batch, p, partials.data());
  });
  return gram;
}

/// One stack's Gram matrix as a training step forms it: slots of a flat stretch, then joins level by level.
std::vector<double> gram_of_a_step(Stacks& stacks) {
  const int tasks = stacks.batch.tasks, pairs = gram_pairs(tasks), count = static_cast<int>(stacks.batch.columns);
  std::vector<double> slots(static_cast<std::size_t>(pairs) * flat_slots(count)), joined_slots(slots.size());
  Context c{};
  c.base[0] = stacks.values.data();
  c.base[1] = reinterpret_cast<float*>(slots.data());
  c.base[2] = reinterpret_cast<float*>(joined_slots.data());
  GramSlots op{};
  op.gradient = {0, Space::fast};
  op.lane_stride = static_cast<int32_t>(stacks.batch.row_stride);
  for (int k = 0; k < tasks; ++k) op.lane_of_task[k] = static_cast<int8_t>(k);
  op.tasks = tasks;
  op.count = count;
  op.fold = 1;
  op.slots = {0, Space::work};
  op.slots_per_pair = flat_slots(count);
  for (int u = 0; u < op.units<SerialTeam>(c); ++u) op.unit<SerialTeam>(c, u);
  Place from{0, Space::work}, to{0, Space::state};
  for (int level = 0, left = flat_slots(count); left > 1; ++level, left = divide_up(left, kJoin)) {
    const Join join_level{from, to, pairs, flat_slots(count), level, false};
    for (int u = 0; u < join_level.units<SerialTeam>(c); ++u) join_level.unit<SerialTeam>(c, u);
    std::swap(from, to);
  }
  std::vector<double> gram(static_cast<std::size_t>(tasks) * tasks);
  for (int q = 0; q < pairs; ++q) {
    const Pair pair = gram_pair(tasks, q);
    gram[static_cast<std::size_t>(pair.i * tasks + pair.j)] = c.doubles(from)[q];
    gram[static_cast<std::size_t>(pair.j * tasks + pair.i)] = c.doubles(from)[q];
  }
  return gram;
}

void expect_equal_bits(const std::vector<double>& expected, const std::vector<double>& got, const std::string& where) {
  ASSERT_EQ(expected.size(), got.size()) << where;
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(std::memcmp(&expected[i], &got[i], sizeof(double)), 0)
        << where << ": entry " << i << " is " << got[i] << " instead of " << expected[i];
}

/// |err| <= n u sum|a b|: the worst case of a sum of n products in any order, each product exact.
void expect_plain_sums(Stacks& s, const std::vector<double>& gram) {
  const int tasks = s.batch.tasks;
  for (int64_t r = 0; r < s.batch.replicas; ++r)
    for (int i = 0; i < tasks; ++i)
      for (int j = 0; j < tasks; ++j) {
        const float *x = s.row(r * tasks + i), *y = s.row(r * tasks + j);
        long double sum = 0, size = 0;
        for (int64_t e = 0; e < s.batch.columns; ++e) {
          sum += static_cast<long double>(x[e]) * y[e];
          size += std::fabs(static_cast<long double>(x[e]) * y[e]);
        }
        const auto got = static_cast<long double>(gram[static_cast<std::size_t>((r * tasks + i) * tasks + j)]);
        ASSERT_LE(std::fabs(got - sum), static_cast<long double>(s.batch.columns) * 0x1p-53L * size)
            << s.name() << ", replica " << r << ", (" << i << ", " << j << ")";
      }
}

TEST(GramPairNumber, IsTheInverseOfGramPair) {
  for (int tasks = 1; tasks <= kMaxTasks; ++tasks)
    for (int q = 0; q < gram_pairs(tasks); ++q) ASSERT_EQ(gram_pair_number(tasks, gram_pair(tasks, q)), q);
}

TEST(PairTiles, CoverEveryPairOnce) {
  for (const int panel : {kHostPanel, kDevicePanel})
    for (int tasks = 1; tasks <= kMaxTasks; ++tasks) {
      std::vector<int> seen(static_cast<std::size_t>(gram_pairs(tasks)));
      for (int t = 0; t < gram_pairs(divide_up(tasks, panel)); ++t) {
        const PairTile tile = pair_tile(tasks, panel, t);
        for (int p = 0; p < tile.pairs(); ++p) ++seen[static_cast<std::size_t>(gram_pair_number(tasks, tile.pair(p)))];
      }
      for (const int times : seen) ASSERT_EQ(times, 1) << tasks << " tasks in panels of " << panel;
    }
}

TEST(GramBatch, HasTheBitsOfATrainingStepsGram) {
  for (const int tasks : {1, 2, 3, 4, 5, 8, 9, 16, 32})
    for (const int64_t columns : {1, 3, 15, 16, 21, 255, 256, 257, 4095, 4096, 4097, 9001}) {
      Stacks s(1, tasks, columns);
      expect_equal_bits(gram_of_a_step(s), gram_of(s.batch), s.name());
    }
}

TEST(GramBatch, HasThemWhereTheTreeHasThreeAndFourLevelsOfChunks) {
  for (const int64_t columns : {16 * kChunkColumns, 16 * kChunkColumns + 1, 257 * kChunkColumns - 77}) {
    Stacks s(1, 2, columns);
    expect_equal_bits(gram_of_a_step(s), gram_of(s.batch), s.name());
  }
}

TEST(GramBatch, HasEqualBitsOnEveryTeamWithAnyRowsInAPass) {
  for (const int tasks : {1, 3, 7, 8, 9, 17, 32})
    for (const int64_t columns : {5, 1300, 2 * kChunkColumns + 700}) {
      Stacks s(2, tasks, columns, 3);
      const std::vector<double> expected = gram_of(s.batch);
      const auto expect = [&](const std::vector<double>& got, const char* team) {
        expect_equal_bits(expected, got, s.name() + ", " + team);
      };
      expect(gram_by<HostTeam, false>(2, 16, s.batch), "two threads, a CPU's cut");
      expect(gram_by<HostTeam, false>(7, 3, s.batch), "seven threads, a CPU's cut");
      expect(gram_by<HostTeamOf<DeviceCut>, false>(1, 4, s.batch), "a thread, a device's cut");
      expect(gram_by<HostTeamOf<DeviceCut>, false>(5, 7, s.batch), "five threads, a device's cut");
      if (tasks > kDevicePanel) continue;
      expect(gram_by<HostTeamOf<DeviceCut>, true>(1, 8, s.batch), "a thread, a device's only tile");
      expect(gram_by<HostTeamOf<DeviceCut>, true>(3, 16, s.batch), "three threads, a device's only tile");
    }
  Stacks s(1, 8, 3000);
  expect_equal_bits(gram_of(s.batch), gram_by<HostTeamOf<DeviceCut>, true>(32, 8, s.batch), "32 threads");
}

TEST(GramBatch, HasEqualBitsForEveryNumberOfThreads) {
  for (const int64_t replicas : {1, 5}) {
    Stacks s(replicas, 5, 3 * kChunkColumns + 100);
    const std::vector<double> expected = gram_of(s.batch);
    for (const int threads : {2, 3, 16}) expect_equal_bits(expected, gram_of(s.batch, threads), s.name());
  }
}

TEST(GramBatch, GivesAReplicaTheBitsItHasAlone) {
  Stacks s(4, 6, 5000, 11);
  const std::vector<double> all = gram_of(s.batch);
  for (int64_t r = 0; r < 4; ++r) {
    GramBatch alone = s.batch;
    alone.replicas = 1;
    alone.gradients = s.row(r * 6);
    expect_equal_bits(std::vector<double>(all.begin() + r * 36, all.begin() + (r + 1) * 36), gram_of(alone),
                      "replica " + std::to_string(r));
  }
}

TEST(GramBatch, IsThePlainSumOfProductsAtEveryScale) {
  for (const double size : {1.0, 1e-30, 1e30})
    for (const int tasks : {2, 8, 20}) {
      Stacks s(2, tasks, 5003, 1, size);
      expect_plain_sums(s, gram_of(s.batch));
    }
}

TEST(GramBatch, KeepsGradientsOfUnlikeScalesApart) {
  Stacks s(1, 3, 900);
  for (int64_t e = 0; e < 900; ++e) {
    s.row(0)[e] *= 1e30f;
    s.row(2)[e] *= 1e-30f;
  }
  expect_plain_sums(s, gram_of(s.batch));
}

TEST(GramBatch, OfSubnormalGradientsIsNotFlushedToZero) {
  Stacks s(1, 2, 40);
  for (float& v : s.values) v = 0x1p-149f;
  const std::vector<double> gram = gram_of(s.batch);
  for (const double g : gram) EXPECT_EQ(g, 40 * 0x1p-298);
}

TEST(GramBatch, OfZeroGradientsIsPositiveZero) {
  Stacks s(1, 9, 300);
  for (std::size_t i = 0; i < s.values.size(); ++i) s.values[i] = i % 2 ? 0.0f : -0.0f;
  for (const double g : gram_of(s.batch)) EXPECT_TRUE(g == 0 && !std::signbit(g));
}

TEST(GramBatch, ShowsANaNAndAnInfinityInTheirTasksRowsAndColumnsOnly) {
  Stacks s(2, 10, 700);
  s.row(3)[699] = NAN;
  s.row(10 + 9)[0] = INFINITY;
  const std::vector<double> gram = gram_of(s.batch);
  for (int i = 0; i < 10; ++i)
    for (int j = 0; j < 10; ++j) {
      EXPECT_EQ(std::isnan(gram[static_cast<std::size_t>(i * 10 + j)]), i == 3 || j == 3) << i << ", " << j;
      EXPECT_EQ(std::isfinite(gram[static_cast<std::size_t>(100 + i * 10 + j)]), i != 9 && j != 9) << i << ", " << j;
    }
}

TEST(GramBatch, OfNoReplicasWritesNothing) { EXPECT_NO_THROW(gram_batch_cpu({0, 5, 2, 5, nullptr, nullptr}, 1)); }

TEST(GramBatch, RefusesSizesOutOfRange) {
  float gradient[4] = {};
  double gram[4];
  const auto refuse = [&](int64_t replicas, int64_t columns, int32_t tasks, int64_t row_stride, int threads) {
    EXPECT_THROW(gram_batch_cpu({replicas, columns, tasks, row_stride, gradient, gram}, threads),
                 std::invalid_argument);
  };
  refuse(-1, 1, 1, 1, 1);
  refuse(1, 0, 1, 1, 1);
  refuse(1, 1, 0, 1, 1);
  refuse(1, 1, kMaxTasks + 1, 1, 1);
  refuse(1, 2, 1, 1, 1);
  refuse(1, 1, 1, int64_t{1} << 31, 1);
  refuse(1, 1, 1, 1, 0);
}

/// 17 GB of address space, of which a few pages are ever touched: offsets beyond 2^31 are what is tested.
TEST(GramBatch, CountsOffsetsBeyondThirtyTwoBits) {
  constexpr int64_t kStride = INT32_MAX, kTasks = 3;
  constexpr std::size_t kBytes = sizeof(float) * (kStride * (kTasks - 1) + 20);
  void* const space = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) GTEST_SKIP() << "no address space for 17 GB";
  float* const memory = static_cast<float*>(space);
  for (int64_t k = 0; k < kTasks; ++k)
    for (int64_t e = 0; e < 20; ++e) memory[k * kStride + e] = static_cast<float>(k + 1);
  const std::vector<double> gram = gram_of({1, 20, kTasks, kStride, memory, nullptr});
  for (int i = 0; i < kTasks; ++i)
    for (int j = 0; j < kTasks; ++j)
      EXPECT_EQ(gram[static_cast<std::size_t>(i * kTasks + j)], 20.0 * (i + 1) * (j + 1));
  munmap(space, kBytes);
}

}  // namespace
}  // namespace equipoise::test
