// tests/ptx/model/clocks_test.cpp - what the model counts of kernels of a few lines, beside counts by hand.
#include "tests/ptx/model/clocks.h"

#include <optional>

#include "tests/ptx/small_kernel.h"

namespace equipoise::ptx::test {
namespace {

const char* const kShared = ".shared .align 16 .b8 table[8192];\n";

/// The phases of a kernel by one block.
std::vector<PhaseClocks> phases_of(const std::string& text, uint32_t count) {
  std::optional<ClockModel> model;
  std::vector<PhaseClocks> phases;
  Trial run = threads(count);
  run.words = 4096;
  run.observer = [&](const Module& module) { return &model.emplace(module); };
  run.finished = [&] {
    model->finish();
    phases = model->phases();
  };
  run_small(text, run);
  return phases;
}

/// Of the same kernel with `more` lines and without: what these add. The table has been written before.
PhaseClocks added_by(const std::string& more, uint32_t count) {
  const std::string fill =
      "mov.u32 %r10, table;\nmad.lo.u32 %r11, %r0, 256, %r10;\nmov.u32 %r12, 0;\nFILL:\nst.shared.u32 [%r11], %r0;\n"
      "add.u32 %r11, %r11, 4;\nadd.u32 %r12, %r12, 1;\nsetp.lt.u32 %p1, %r12, 64;\n@%p1 bra FILL;\nbar.sync 0;\n";
  const PhaseClocks with = phases_of(small_kernel(fill + more, kShared), count).at(1);
  const PhaseClocks without = phases_of(small_kernel(fill, kShared), count).at(1);
  PhaseClocks difference;
  difference.path = with.path - without.path;
  difference.issue = with.issue - without.issue;
  difference.shared = with.shared - without.shared;
  difference.global = with.global - without.global;
  difference.sectors = with.sectors - without.sectors;
  difference.fma = with.fma - without.fma;
  return difference;
}
std::string shared_load(const std::string& what, int stride) {
  return "mad.lo.u32 %r13, %r0, " + std::to_string(stride) + ", %r10;\n" + what + ", [%r13];\n";
}

TEST(Clocks, OfSharedMemoryAreTheWordsOfTheMostAskedForBank) {
  const std::string word = "ld.shared.u32 %r14", four = "ld.shared.v4.u32 {%r14,%r15,%r16,%r17}";
  EXPECT_EQ(added_by(shared_load(word, 4), 32).shared, 1);     // neighbours
  EXPECT_EQ(added_by(shared_load(word, 0), 32).shared, 1);     // all the same word
  EXPECT_EQ(added_by(shared_load(word, 8), 32).shared, 2);     // every second bank, two words each
  EXPECT_EQ(added_by(shared_load(word, 128), 32).shared, 32);  // one bank
  EXPECT_EQ(added_by(shared_load(word, 132), 32).shared, 1);   // a bank further each time
  EXPECT_EQ(added_by(shared_load(four, 16), 32).shared, 4);    // quarters of the warp, 32 words each
  EXPECT_EQ(added_by(shared_load(four, 0), 32).shared, 4);     // each quarter by itself, though all want the same
  EXPECT_EQ(added_by(shared_load(four, 128), 32).shared, 32);  // of each quarter's eight lanes all in four banks
  EXPECT_EQ(added_by(shared_load(four, 144), 32).shared, 4);   // rows of 36 words
}

TEST(Clocks, OfGlobalMemoryAreLinesAndSectors) {
  const auto load = [](int stride) {
    return "mul.wide.u32 %rd5, %r0, " + std::to_string(stride) +
           ";\nadd.s64 %rd6, %rd0, %rd5;\nld.global.u32 %r14, [%rd6];\n";
  };
  EXPECT_EQ(added_by(load(4), 32).global, 1);
  EXPECT_EQ(added_by(load(4), 32).sectors, 4);
  EXPECT_EQ(added_by(load(32), 32).global, 8);
  EXPECT_EQ(added_by(load(32), 32).sectors, 32);
  EXPECT_EQ(added_by(load(0), 32).sectors, 1);
}

/// The phase behind a barrier.
PhaseClocks behind_a_barrier(const std::string& body, uint32_t count) {
  return phases_of(small_kernel("mov.f32 %f1, 0f3F800000;\nmov.f32 %f2, 0f3F800000;\nbar.sync 0;\n" + body), count)
      .at(1);
}

TEST(Clocks, OfAChainAreTheSumOfItsLatenciesAndOfOthersTheLongest) {
  const std::string one = "fma.rn.f32 %f1, %f1, %f1, %f1;\n", other = "fma.rn.f32 %f2, %f2, %f2, %f2;\n";
  EXPECT_EQ(behind_a_barrier(one + one + one + one + one, 32).path, 5 * 4);
  EXPECT_EQ(behind_a_barrier(one + other + one + other + one, 32).path, 3 * 4);
  EXPECT_EQ(behind_a_barrier(one + other + one, 32).fma, 3 * 32 / 128.0);
  // What is behind a branch waits for it: 5 for the comparison, 8 for the branch, and 8 for the return.
  EXPECT_EQ(behind_a_barrier("setp.gt.u32 %p2, %r0, 99;\n@%p2 bra PAST;\n" + one + "PAST:\n", 32).path, 5 + 8 + 8);
  // A load that waits for its address, and an addition that waits for it: 40 clocks of the first cache.
  EXPECT_EQ(behind_a_barrier("add.s64 %rd5, %rd1, 4;\nld.global.u32 %r14, [%rd5];\nadd.u32 %r15, %r14, 1;\n", 32).path,
            5 + 40 + 1 + 5);  // 32 words from the second on lie in two lines
}

TEST(Clocks, OfIssueAreThoseOfTheBusiestOfFourSchedulers) {
  const auto added = [](const std::string& body, uint32_t count) {
    return behind_a_barrier(body, count).issue - behind_a_barrier("", count).issue;
  };
  const std::string one = "add.u32 %r14, %r0, 1;\n";
  EXPECT_EQ(added(one, 32), 1);
  EXPECT_EQ(added(one, 128), 1);  // four warps, a scheduler each
  EXPECT_EQ(added(one, 160), 2);  // two of five share one
  EXPECT_EQ(added("add.s64 %rd5, %rd1, 4;\n", 32), 2);
}

TEST(Clocks, OfABlockEndAPhaseAtEachBarrier) {
  EXPECT_EQ(phases_of(small_kernel("bar.sync 0;\nbar.sync 0;"), 64).size(), 3u);
}

}  // namespace
}  // namespace equipoise::ptx::test
