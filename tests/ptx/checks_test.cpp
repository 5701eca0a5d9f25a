// tests/ptx/checks_test.cpp - each check of the machine finds the fault that it is for, in every order of threads, and
// lets the same kernel pass without it.
#include "tests/ptx/small_kernel.h"

namespace equipoise::ptx::test {
namespace {

const char* const kShared = ".shared .align 16 .b8 table[1024];\n";

/// Each thread writes its word of shared memory, which is not the first time, `between`, and reads its neighbour's.
std::string neighbours(const std::string& between, int distance) {
  return small_kernel(
      "mov.u32 %r2, table;\nadd.s32 %r3, %r2, %r1;\nst.shared.u32 [%r3], %r1;\nbar.sync 0;\nst.shared.u32 [%r3], "
      "%r0;\n" +
          between + "\nxor.b32 %r4, %r1, " + std::to_string(4 * distance) +
          ";\nadd.s32 %r5, %r2, %r4;\nld.shared.u32 %r6, [%r5];\nst.global.u32 [%rd1], %r6;",
      kShared);
}
std::vector<uint32_t> swapped(uint32_t count, uint32_t distance) {
  std::vector<uint32_t> words(count);
  for (uint32_t i = 0; i < count; ++i) words[i] = i ^ distance;
  return words;
}

TEST(PtxRace, BetweenWarpsIsFoundWhereABarrierIsDropped) {
  expect_words(neighbours("bar.sync 0;", 32), threads(64), swapped(64, 32));
  expect_fault(Check::race, neighbours("", 32), threads(64), "of shared memory");
  expect_fault(Check::race, neighbours("bar.warp.sync -1;", 32), threads(64));
}

TEST(PtxRace, WithinAWarpIsFoundThoughItsLanesGoTogether) {
  expect_words(neighbours("bar.warp.sync -1;", 1), threads(64), swapped(64, 1));
  expect_words(neighbours("bar.sync 0;", 1), threads(64), swapped(64, 1));
  expect_fault(Check::race, neighbours("", 1), threads(64), "without a barrier between");
}

TEST(PtxRace, IsKnownByTheLanesOfAWarpBarrierOnly) {
  // Lanes 0 to 15 meet, and so do 16 to 31.
  const std::string halves =
      "setp.lt.u32 %p1, %r0, 16;\n@%p1 bra LOW;\nbar.warp.sync 0xffff0000;\nbra MET;\nLOW:\nbar.warp.sync "
      "0x0000ffff;\nMET:\n";
  expect_words(neighbours(halves, 8), threads(32), swapped(32, 8));
  expect_fault(Check::race, neighbours(halves, 16), threads(32));
}

TEST(PtxRace, IsKnownByTheThreadsOfANamedBarrierOnly) {
  // Warps 0 and 1 meet at barrier 1, warps 2 and 3 at barrier 2.
  const std::string pairs =
      "setp.lt.u32 %p1, %r0, 64;\n@%p1 bra LOW;\nbar.sync 2, 64;\nbra MET;\nLOW:\nbar.sync 1, 64;\nMET:\n";
  expect_words(neighbours(pairs, 32), threads(128), swapped(128, 32));
  expect_fault(Check::race, neighbours(pairs, 64), threads(128));
}

TEST(PtxRace, OfAWriteWithAReadIsFoundWhicheverComesFirst) {
  // All read word 0 of the buffer; thread 40 writes it.
  const std::string reads = "ld.global.u32 %r2, [%rd0];\nst.global.u32 [%rd1+512], %r2;\n",
                    writes = "setp.ne.u32 %p1, %r0, 40;\n@%p1 bra PAST;\nst.global.u32 [%rd0], %r0;\nPAST:\n";
  for (const std::string& body : {reads + writes, writes + reads})
    expect_fault(Check::race, small_kernel(body), threads(64));
  std::vector<uint32_t> expected(128 + 64);
  for (uint32_t i = 0; i < expected.size(); ++i) expected[i] = i < 128 ? i : 0;
  expected[0] = 40;
  expect_words(small_kernel(reads + "bar.sync 0;\n" + writes), threads(64), expected);
}

TEST(PtxRace, OfALaneThatReadsAgainIsJudgedByEachLanesOwnRead) {
  // All lanes read word 0, meet, lane 0 reads again and writes: no race. Without the meeting there is one.
  const auto body = [](const std::string& meeting) {
    return small_kernel("ld.global.u32 %r2, [%rd0];\n" + meeting +
                        "setp.ne.u32 %p1, %r0, 0;\n@%p1 bra PAST;\nld.global.u32 %r3, [%rd0];\nadd.u32 %r3, %r3, "
                        "7;\nst.global.u32 [%rd0], %r3;\nPAST:\n");
  };
  expect_words(body("bar.warp.sync -1;\n"), threads(32), {7, 1});
  expect_fault(Check::race, body(""), threads(32));
}

TEST(PtxRace, BetweenBlocksIsFoundInGlobalMemory) {
  expect_fault(Check::race, small_kernel("st.global.u32 [%rd1], %r0;"), threads(32, 2), "block");
  expect_fault(Check::race,
               small_kernel("mov.u32 %r9, %ctaid.x;\nsetp.ne.u32 %p1, %r9, 1;\n@%p1 bra READ;\nst.global.u32 [%rd1], "
                            "%r0;\nbra END;\nREAD:\nld.global.u32 %r3, [%rd1];\nEND:\n"),
               threads(32, 2));
  // Each its own words.
  std::vector<uint32_t> expected(64);
  for (uint32_t i = 0; i < 64; ++i) expected[i] = i % 32;
  expect_words(small_kernel("mov.u32 %r9, %ctaid.x;\nmul.wide.u32 %rd9, %r9, 128;\nadd.s64 %rd10, %rd1, "
                            "%rd9;\nst.global.u32 [%rd10], %r0;"),
               threads(32, 2), expected);
}

TEST(PtxBounds, OfGlobalMemoryEndWhereTheBufferEnds) {
  Trial run = threads(32);
  run.words = 32;
  expect_words(small_kernel("st.global.u32 [%rd1], %r1;"), run, {0, 4, 8});
  expect_fault(Check::bounds, small_kernel("st.global.u32 [%rd1+4], %r1;"), run, "the buffer");
  expect_fault(Check::bounds, small_kernel("ld.global.u32 %r2, [%rd1+-4];"), run, "the buffer");
  expect_fault(Check::bounds, small_kernel("ld.global.v4.u32 {%r2,%r3,%r4,%r5}, [%rd0+128];"), run, "the buffer");
  run.words = 30;  // a load that begins within it and ends behind it
  expect_fault(Check::bounds, small_kernel("ld.global.v4.u32 {%r2,%r3,%r4,%r5}, [%rd0+112];"), run,
               "16 bytes at byte 112");
  expect_fault(Check::bounds, small_kernel("mov.u64 %rd5, 16;\nld.global.u32 %r2, [%rd5];"), run, "an address");
}

TEST(PtxBounds, OfSharedMemoryEndWithTheBlocksOwn) {
  const auto body = [](int at) {
    return small_kernel("mov.u32 %r2, table;\nst.shared.u32 [%r2+" + std::to_string(at) + "], %r0;", kShared);
  };
  EXPECT_NO_THROW(run_small(body(1020), threads(1)));
  expect_fault(Check::bounds, body(1024), threads(1), "shared memory");
  expect_fault(Check::bounds, body(-4), threads(1), "shared memory");
  // What the launch gave, and not a word more.
  const std::string dynamic =
      small_kernel("mov.u32 %r2, table;\nst.shared.u32 [%r2+60], %r0;", ".extern .shared .align 16 .b8 table[];\n");
  Trial run = threads(1);
  run.shape.dynamic_shared = 64;
  EXPECT_NO_THROW(run_small(dynamic, run));
  run.shape.dynamic_shared = 60;
  expect_fault(Check::bounds, dynamic, run, "shared memory");
}

TEST(PtxBounds, OfLocalMemoryEndWithTheFrame) {
  const auto body = [](int at) {
    return small_kernel(
        "mov.u64 %rd5, depot;\ncvta.local.u64 %rd6, %rd5;\nst.u32 [%rd6+" + std::to_string(at) + "], %r0;", "",
        ".local .align 16 .b8 depot[32];\n");
  };
  EXPECT_NO_THROW(run_small(body(28), threads(32)));
  expect_fault(Check::bounds, body(32), threads(32), "local memory");
}

TEST(PtxBounds, OfConstantMemoryAndParametersForbidWrites) {
  const std::string constant = ".const .align 4 .u32 numbers[2] = {5, 6};\n";
  expect_words(small_kernel("ld.const.u32 %r2, [numbers+4];\nst.global.u32 [%rd1], %r2;", constant), threads(1), {6});
  expect_fault(Check::bounds, small_kernel("mov.u64 %rd5, numbers;\nst.u32 [%rd5], %r0;", constant), threads(1),
               "constant");
  expect_fault(Check::bounds, small_kernel("ld.param.u32 %r2, [k_param_0+8];"), threads(1), "parameters");
}

TEST(PtxInitialisation, IsAskedOfEveryReadInEverySpace) {
  Trial run = threads(1);
  run.unwritten = 4;
  expect_fault(Check::uninitialised, small_kernel("ld.global.u32 %r2, [%rd0+1024];"), run, "the buffer");
  EXPECT_NO_THROW(run_small(small_kernel("st.global.u32 [%rd0+1024], %r0;\nld.global.u32 %r2, [%rd0+1024];"), run));
  expect_fault(Check::uninitialised, small_kernel("mov.u32 %r2, table;\nld.shared.u32 %r3, [%r2];", kShared),
               threads(1), "shared memory");
  expect_fault(Check::uninitialised,
               small_kernel("mov.u64 %rd5, depot;\nst.local.u8 [%rd5], %r0;\nld.local.u16 %rs1, [%rd5];", "",
                            ".local .align 16 .b8 depot[32];\n"),
               threads(1), "local memory");
}

TEST(PtxInitialisation, IsNotAskedOfAVectorsElementsThatNobodyReads) {
  const std::string three =
      "mov.u32 %r2, table;\nst.shared.u32 [%r2], %r0;\nst.shared.u32 [%r2+4], %r0;\nst.shared.u32 [%r2+8], %r0;\n"
      "ld.shared.v4.u32 {%r3,%r4,%r5,%r6}, [%r2];\nadd.u32 %r7, %r3, %r5;\nst.global.u32 [%rd1], %r7;\n";
  EXPECT_NO_THROW(run_small(small_kernel(three, kShared), threads(1)));
  expect_fault(Check::uninitialised, small_kernel(three + "st.global.u32 [%rd1], %r6;", kShared), threads(1),
               "shared memory");
}

TEST(PtxInitialisation, OfSharedMemoryEndsWithTheBlock) {
  // A second block reads what the first wrote into its own.
  const std::string text = small_kernel(
      "mov.u32 %r2, table;\nmov.u32 %r9, %ctaid.x;\nsetp.ne.u32 %p1, %r9, 0;\n@%p1 bra READ;\nst.shared.u32 [%r2], "
      "%r0;\nREAD:\nld.shared.u32 %r3, [%r2];",
      kShared);
  Trial run = threads(1, 2);
  run.shape.resident = 1;
  expect_fault(Check::uninitialised, text, run, "of block 1");
}

TEST(PtxAlignment, IsThatOfTheWholeVector) {
  EXPECT_NO_THROW(run_small(small_kernel("ld.global.v4.f32 {%f1,%f2,%f3,%f4}, [%rd0+16];"), threads(1)));
  expect_fault(Check::alignment, small_kernel("ld.global.v4.f32 {%f1,%f2,%f3,%f4}, [%rd0+8];"), threads(1), "16 bytes");
  expect_fault(Check::alignment, small_kernel("ld.global.f64 %fd1, [%rd0+4];"), threads(1), "8 bytes");
}

TEST(PtxDivergence, IsFoundWhereThreadsOfABarrierAreAtTwo) {
  const std::string two = "setp.lt.u32 %p1, %r0, 16;\n@%p1 bra LOW;\nbar.sync 0;\nbra END;\nLOW:\nbar.sync 0;\nEND:\n";
  expect_fault(Check::divergence, small_kernel(two), threads(32), "PTX line");
  const std::string two_of_a_warp =
      "setp.lt.u32 %p1, %r0, 16;\n@%p1 bra LOW;\nbar.warp.sync -1;\nbra END;\nLOW:\nbar.warp.sync -1;\nEND:\n";
  expect_fault(Check::divergence, small_kernel(two_of_a_warp), threads(32), "warp barrier");
  expect_fault(Check::divergence, small_kernel("bar.warp.sync 0xffff;"), threads(32), "lane 16");
}

TEST(PtxDivergence, IsFoundWhereAThreadHasEnded) {
  expect_fault(Check::divergence, small_kernel("setp.lt.u32 %p1, %r0, 32;\n@%p1 exit;\nbar.sync 0;\n"), threads(64),
               "have ended");
}

TEST(PtxDeadlock, IsFoundAndSaysWhoWaits) {
  expect_fault(Check::deadlock,
               small_kernel("setp.lt.u32 %p1, %r0, 32;\n@%p1 bra LOW;\nbar.sync 1;\nLOW:\nbar.sync 0;\n"), threads(64),
               "64 threads of the block");
}

TEST(PtxTrap, EndsTheLaunch) {
  expect_fault(Check::trap, small_kernel("setp.eq.u32 %p1, %r0, 5;\n@%p1 trap;"), threads(32), "by thread 5");
}

TEST(PtxFault, TellsLineSourceThreadAndBuffer) {
  Trial run = threads(32);
  run.words = 16;
  try {
    run_small(".file 7 \"/some/where/kernels/ops/adam.h\"\n" + small_kernel(".loc 7 12 3\nst.global.u32 [%rd1], %r1;"),
              run);
    FAIL() << "no fault was found";
  } catch (const Fault& fault) {
    const std::string text = fault.what();
    for (const char* part : {"out of bounds", "by thread 16 of k", "PTX line 22: st.global.u32 [%rd1], %r1",
                             "source ops/adam.h:12", "operation kernels/ops/adam.h", "the buffer"})
      EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in\n" << text;
  }
}

}  // namespace
}  // namespace equipoise::ptx::test
