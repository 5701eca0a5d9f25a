// tests/cuda/launch_pacer_test.cpp - lengths of launches, sizes of waves and of blocks, without a device.
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/run/launch_pacer.h"

namespace equipoise::test {

TEST(LaunchPacer, BeginsWithOneStepAndGrowsByAtMostEightTimes) {
  LaunchPacer pacer;
  EXPECT_EQ(pacer.next(1000, 1, 0.5), 1);
  pacer.ran(1, 1e-6);
  EXPECT_EQ(pacer.next(1000, 1, 0.5), 8);
  pacer.ran(8, 8e-6);
  EXPECT_EQ(pacer.next(1000, 1, 0.5), 64);
}

TEST(LaunchPacer, AimsAtTheTimeWantedWhateverTheStepsTake) {
  for (double step : {1e-6, 1e-3, 0.3}) {
    LaunchPacer pacer;
    int steps = 0;
    for (int launch = 0; launch < 20; ++launch) {
      steps = pacer.next(1 << 30, 1, 0.5);
      pacer.ran(steps, steps * step);
      EXPECT_LE(steps * step, std::max(0.5001, step));
    }
    EXPECT_GT((steps + 1) * step, 0.4999);
  }
}

TEST(LaunchPacer, ShrinksWhereStepsHaveBecomeSlower) {
  LaunchPacer pacer;
  pacer.next(1000, 1, 0.5);
  pacer.ran(1, 1e-3);
  pacer.next(1000, 1, 0.5);
  pacer.ran(8, 0.8);
  EXPECT_EQ(pacer.next(1000, 1, 0.5), 5);
}

TEST(LaunchPacer, DoesOneStepWhereASingleOneTakesTooLong) {
  LaunchPacer pacer;
  for (int launch = 0; launch < 5; ++launch) {
    EXPECT_EQ(pacer.next(100, 1, 0.5), 1);
    pacer.ran(1, 3.0);
  }
}

TEST(LaunchPacer, BeginsAgainWhenMoreReplicasShareTheDevice) {
  LaunchPacer pacer;
  pacer.next(1000, 10, 0.5);
  pacer.ran(1, 1e-6);
  EXPECT_EQ(pacer.next(1000, 10, 0.5), 8);
  EXPECT_EQ(pacer.next(1000, 11, 0.5), 1);
}

TEST(LaunchPacer, NeverAsksForMoreStepsThanAreLeft) {
  LaunchPacer pacer;
  pacer.next(5, 1, 0.5);
  pacer.ran(1, 1e-9);
  EXPECT_EQ(pacer.next(3, 1, 0.5), 3);
}

TEST(LaunchPacer, LearnsNothingFromALaunchInWhichEveryReplicaRested) {
  LaunchPacer pacer;
  pacer.next(1000, 1, 0.5);
  pacer.ran(1, 0.1);
  pacer.ran(0, 1e-9);
  EXPECT_EQ(pacer.next(1000, 1, 0.5), 5);
}

TEST(Waves, TakeAllReplicasWhereTheyFitAndElseAsManyAsDo) {
  EXPECT_EQ(replicas_per_wave(10, 100, 1000), 10);
  EXPECT_EQ(replicas_per_wave(11, 100, 1099), 10);
  EXPECT_EQ(replicas_per_wave(10, 100, size_t{1} << 40), 10);
  EXPECT_EQ(replicas_per_wave(10, 100, 100), 1);
  EXPECT_THROW(replicas_per_wave(10, 100, 99), Error);
}

TEST(BlockThreads, AreAllOfThemWhereEveryReplicaHasAMultiprocessorToItself) {
  const Multiprocessor one{.shared = 227 * 1024};
  for (int replicas : {1, 131, 132}) EXPECT_EQ(block_threads(1000, replicas, 132, 168, one), 384);
  EXPECT_LT(block_threads(1000, 133, 132, 168, one), 384);
}

TEST(BlockThreads, AreFewerWhereTwoOrThreeBlocksFitIntoSharedMemory) {
  const Multiprocessor one{.shared = 227 * 1024};
  constexpr size_t kThird = 228 * 1024 / 3 - 1152, kHalf = 228 * 1024 / 2 - 1152;  // 1152: what a block takes besides
  EXPECT_EQ(block_threads(kThird, 1000, 132, 168, one), 128);
  EXPECT_EQ(block_threads(kThird + 4, 1000, 132, 168, one), 192);
  EXPECT_EQ(block_threads(kHalf, 1000, 132, 168, one), 192);
  EXPECT_EQ(block_threads(kHalf + 4, 1000, 132, 168, one), 384);
  EXPECT_EQ(block_threads(kHalf, 1000, 132, 168, {.shared = 99 * 1024}), 384) << "a device with less";
  EXPECT_EQ(block_threads(227 * 1024 - 16, 1000, 132, 168, one), 384);
}

TEST(BlockThreads, ServeNoMoreBlocksSideBySideThanThereAreReplicas) {
  const Multiprocessor one{.shared = 227 * 1024};
  EXPECT_EQ(block_threads(1000, 264, 132, 168, one), 192);
  EXPECT_EQ(block_threads(1000, 265, 132, 168, one), 128);
}

TEST(BlockThreads, OfBlocksSideBySideHaveTheirRegisters) {
  const Multiprocessor one{.shared = 227 * 1024};
  EXPECT_EQ(block_threads(1000, 264, 132, 128, one), 256) << "2 * 256 * 128 = 65536";
  EXPECT_EQ(block_threads(1000, 264, 132, 136, one), 192);
  EXPECT_EQ(block_threads(1000, 1000, 132, 168, {.shared = 227 * 1024, .registers = 64512}), 128);
  EXPECT_EQ(block_threads(1000, 1000, 132, 168, {.shared = 227 * 1024, .registers = 64511}), 384);
}

}  // namespace equipoise::test
