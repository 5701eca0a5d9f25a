// tests/ptx/order_test.cpp - what orders threads: barriers of clusters and grids, fences and atomics; and that the
// order of threads is the launch's to choose.
#include "tests/ptx/small_kernel.h"

namespace equipoise::ptx::test {
namespace {

const char* const kShared = ".shared .align 16 .b8 table[1024];\n";

TEST(PtxOrder, IsTheLaunchsToChoose) {
  // The last warp to add is the one whose number stays: it depends on the order, and on nothing else.
  const std::string text = small_kernel("atom.global.exch.b32 %r2, [%rd0], %r0;");
  Trial run = threads(96);
  EXPECT_EQ(run_small(text, run)[0], 95u);
  run.order = {Order::Kind::reversed, 0};
  EXPECT_EQ(run_small(text, run)[0], 31u);
  std::set<uint32_t> seen;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    run.order = {Order::Kind::random, seed};
    seen.insert(run_small(text, run)[0]);
    EXPECT_EQ(run_small(text, run), run_small(text, run)) << "a seed is an order";
  }
  EXPECT_GT(seen.size(), 1u);
}

TEST(PtxOrder, OfLanesThatPartCanBeEither) {
  const std::string text = small_kernel(
      "setp.lt.u32 %p1, %r0, 16;\n@%p1 bra LOW;\natom.global.exch.b32 %r2, [%rd0], 1;\nbra "
      "END;\nLOW:\natom.global.exch.b32 %r2, [%rd0], 2;\nEND:\n");
  Trial run = threads(32);
  const uint32_t forward = run_small(text, run)[0];
  run.order = {Order::Kind::reversed, 0};
  EXPECT_NE(run_small(text, run)[0], forward);
}

TEST(PtxCluster, BarrierLetsBlocksReadEachOthersSharedMemory) {
  // Each thread writes its number plus a hundred times its block's; then reads the same thread's of the other block.
  const auto body = [](const std::string& barrier) {
    return small_kernel(
        "mov.u32 %r2, table;\nadd.u32 %r3, %r2, %r1;\nmov.u32 %r4, %cluster_ctarank;\nmad.lo.u32 %r5, %r4, 100, "
        "%r0;\nst.shared.u32 [%r3], %r1;\n"
        "barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;\nst.shared.u32 [%r3], %r5;\n" +
            barrier +
            "xor.b32 %r6, %r4, 1;\nmapa.shared::cluster.u32 %r7, %r3, %r6;\nld.shared::cluster.u32 %r8, "
            "[%r7];\nmov.u32 %r9, %ctaid.x;\nmul.wide.u32 %rd9, %r9, 256;\nadd.s64 %rd10, %rd1, %rd9;\nst.global.u32 "
            "[%rd10], %r8;",
        kShared);
  };
  Trial run = threads(64, 4);
  run.shape.cluster = 2;
  std::vector<uint32_t> expected(256);
  for (uint32_t b = 0; b < 4; ++b)
    for (uint32_t t = 0; t < 64; ++t) expected[b * 64 + t] = 100 * (b % 2 ^ 1) + t;
  expect_words(body("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;\n"), run, expected);
  expect_fault(Check::race, body(""), run, "shared memory");
  expect_fault(Check::race, body("barrier.cluster.arrive.relaxed.aligned;\nbarrier.cluster.wait.aligned;\n"), run,
               "shared memory");
}

TEST(PtxCluster, IsNoLargerThanTheLaunchSays) {
  const std::string text = small_kernel(
      "mov.u32 %r2, table;\nst.shared.u32 [%r2], %r0;\nmapa.shared::cluster.u32 %r7, %r2, 5;\nld.shared::cluster.u32 "
      "%r8, [%r7];",
      kShared);
  Trial run = threads(1, 2);
  run.shape.cluster = 2;
  expect_fault(Check::bounds, text, run, "block 5");
}

/// All blocks add to a counter and wait until it is full, as a cooperative launch does; `before` and `after` the
/// counter stand fences.
std::string grid_barrier(const std::string& before, const std::string& after) {
  return small_kernel(
      "mov.u32 %r9, %ctaid.x;\nmul.wide.u32 %rd9, %r9, 128;\nadd.s64 %rd10, %rd1, %rd9;\nadd.u32 %r5, %r0, "
      "1000;\nst.global.u32 [%rd10+4], %r5;\nbar.sync 0;\n"
      "setp.ne.u32 %p1, %r0, 0;\n@%p1 bra PAST;\n" +
      before +
      "atom.global.add.u32 %r2, [%rd0], 1;\nWAIT:\nld.volatile.global.u32 %r3, [%rd0];\nsetp.lt.u32 %p2, %r3, 3;\n@%p2 "
      "bra WAIT;\n" +
      after +
      "PAST:\nbar.sync 0;\n"
      // the same thread of the next block
      "add.u32 %r9, %r9, 1;\nrem.u32 %r9, %r9, 3;\nmul.wide.u32 %rd9, %r9, 128;\nadd.s64 %rd11, %rd1, "
      "%rd9;\nld.global.u32 %r6, [%rd11+4];\nst.global.u32 [%rd10+516], %r6;");
}

TEST(PtxGrid, BarrierOfAtomicsAndFencesOrdersBlocks) {
  Trial run = threads(16, 3);
  run.shape.resident = 0;
  const std::string fence = "fence.acq_rel.gpu;\n";
  for (const Order& order : kOrders) {
    run.order = order;
    const auto words = run_small(grid_barrier(fence, fence), run);
    for (uint32_t t = 0; t < 16; ++t) EXPECT_EQ(words[1 + t + 128 + 32], 1000 + t);
  }
  expect_fault(Check::race, grid_barrier("", fence), run, "block");
  expect_fault(Check::race, grid_barrier(fence, ""), run, "block");
}

TEST(PtxGrid, BarrierOfBlocksThatAreNotAllThereIsADeadlock) {
  Trial run = threads(16, 3);
  run.shape.resident = 2;
  run.endless = 100000;
  expect_fault(Check::deadlock, grid_barrier("fence.acq_rel.gpu;\n", "fence.acq_rel.gpu;\n"), run, "does not end");
}

TEST(PtxGrid, HasAWorkspaceWhereTheLaunchIsCooperative) {
  // Each thread adds one to the workspace's first word; the last to come takes its place in the buffer.
  const std::string text = small_kernel(
      "mov.u32 %r2, %envreg1;\nmov.u32 %r3, %envreg2;\nmov.b64 %rd5, {%r3, %r2};\natom.add.u32 %r4, [%rd5], 1;\n"
      "red.global.max.u32 [%rd0], %r4;");
  Trial run = threads(8, 5);
  run.shape.cooperative = true;
  expect_words(text, run, {39});
  run.shape.cooperative = false;
  expect_fault(Check::bounds, text, run, "an address");
}

TEST(PtxOrder, ReleaseAndAcquireOrderTheTwoThreadsAlone) {
  // Thread 0 writes word 8 and releases word 0; thread 32 waits for it, acquiring, and reads word 8.
  const auto body = [](const std::string& store, const std::string& load) {
    return small_kernel(
        "setp.eq.u32 %p1, %r0, 0;\nsetp.eq.u32 %p2, %r0, 32;\n@%p1 bra WRITE;\n@%p2 bra READ;\nbra "
        "END;\nWRITE:\nst.global.u32 [%rd0+32], 77;\n" +
        store + ".global.u32 [%rd0], 9;\nbra END;\nREAD:\n" + load +
        ".global.u32 %r2, [%rd0];\nsetp.ne.u32 %p3, %r2, 9;\n@%p3 bra READ;\nld.global.u32 %r3, "
        "[%rd0+32];\nst.global.u32 [%rd0+64], %r3;\nEND:\n");
  };
  for (const Order& order : kOrders) {
    Trial run = threads(64);
    run.order = order;
    EXPECT_EQ(run_small(body("st.release.gpu", "ld.acquire.gpu"), run)[16], 77u);
  }
  expect_fault(Check::race, body("st.relaxed.gpu", "ld.acquire.gpu"), threads(64));
  expect_fault(Check::race, body("st.release.gpu", "ld.relaxed.gpu"), threads(64));
}

}  // namespace
}  // namespace equipoise::ptx::test
