// tests/ptx/instructions_test.cpp - what instructions give, by the ISA's definitions worked out by hand.
#include <bit>

#include "tests/ptx/arithmetic.h"
#include "tests/ptx/small_kernel.h"

namespace equipoise::ptx::test {
namespace {

/// One lane's word after `body`, which leaves it in %r9 (narrow) or %rd9 (wide).
uint32_t narrow(const std::string& body) {
  return run_small(small_kernel(body + "\nst.global.u32 [%rd1], %r9;"), threads(1))[0];
}
uint64_t wide(const std::string& body) {
  const auto words = run_small(small_kernel(body + "\nst.global.u64 [%rd0], %rd9;"), threads(1));
  return uint64_t{words[1]} << 32 | words[0];
}
float single(const std::string& body) { return std::bit_cast<float>(narrow(body + "\nmov.b32 %r9, %f9;")); }
double twice(const std::string& body) { return std::bit_cast<double>(wide(body + "\nmov.b64 %rd9, %fd9;")); }

TEST(PtxIntegers, AreAddedMultipliedAndDividedAsTheirTypesSay) {
  EXPECT_EQ(narrow("sub.s32 %r9, 3, 5;"), 0xfffffffeu);
  EXPECT_EQ(narrow("mul.lo.s32 %r9, 65537, 65537;"), 131073u);
  EXPECT_EQ(narrow("mov.u32 %r2, -2;\nmul.hi.u32 %r9, %r2, 3;"), 2u);
  EXPECT_EQ(narrow("mov.u32 %r2, -2;\nmul.hi.s32 %r9, %r2, 3;"), 0xffffffffu);
  EXPECT_EQ(wide("mov.u32 %r2, -2;\nmul.wide.s32 %rd9, %r2, 3;"), 0xfffffffffffffffau);
  EXPECT_EQ(wide("mov.u32 %r2, -2;\nmul.wide.u32 %rd9, %r2, 3;"), 0x2fffffffau);
  EXPECT_EQ(wide("mov.u32 %r2, -2;\nmov.u64 %rd4, 10;\nmad.wide.s32 %rd9, %r2, 3, %rd4;"), 4u);
  EXPECT_EQ(narrow("mad.lo.s32 %r9, 7, 6, -2;"), 40u);
  EXPECT_EQ(narrow("mov.u32 %r2, -7;\ndiv.s32 %r9, %r2, 2;"), 0xfffffffdu);
  EXPECT_EQ(narrow("mov.u32 %r2, -7;\nrem.s32 %r9, %r2, 2;"), 0xffffffffu);
  EXPECT_EQ(narrow("mov.u32 %r2, -7;\ndiv.u32 %r9, %r2, 2;"), 0x7ffffffcu);
  EXPECT_EQ(narrow("mov.u32 %r2, -7;\nmin.s32 %r9, %r2, 2;"), 0xfffffff9u);
  EXPECT_EQ(narrow("mov.u32 %r2, -7;\nmin.u32 %r9, %r2, 2;"), 2u);
  EXPECT_EQ(narrow("mov.u32 %r2, -7;\nabs.s32 %r9, %r2;"), 7u);
  EXPECT_EQ(narrow("mov.u16 %rs1, -1;\nmov.u16 %rs2, 2;\nadd.s16 %rs3, %rs1, %rs2;\ncvt.u32.u16 %r9, %rs3;"), 1u);
  EXPECT_EQ(narrow("mov.u16 %rs1, -3;\nmul.wide.s16 %r9, %rs1, 5;"), 0xfffffff1u);
}

TEST(PtxIntegers, AreShiftedAndCutBitByBit) {
  EXPECT_EQ(narrow("mov.u32 %r2, 1;\nshl.b32 %r9, %r2, 32;"), 0u);
  EXPECT_EQ(narrow("mov.u32 %r2, -8;\nshr.s32 %r9, %r2, 1;"), 0xfffffffcu);
  EXPECT_EQ(narrow("mov.u32 %r2, -8;\nshr.s32 %r9, %r2, 99;"), 0xffffffffu);
  EXPECT_EQ(narrow("mov.u32 %r2, -8;\nshr.u32 %r9, %r2, 1;"), 0x7ffffffcu);
  EXPECT_EQ(wide("mov.u64 %rd4, -8;\nshr.u64 %rd9, %rd4, 60;"), 15u);
  EXPECT_EQ(narrow("mov.u32 %r2, 0x80000001;\nmov.u32 %r3, 0x12345678;\nshf.l.wrap.b32 %r9, %r2, %r3, 36;"),
            0x23456788u);
  EXPECT_EQ(narrow("mov.u32 %r2, 0x80000001;\nmov.u32 %r3, 0x12345678;\nshf.r.wrap.b32 %r9, %r2, %r3, 8;"),
            0x78800000u);
  EXPECT_EQ(narrow("mov.u32 %r2, 0x80000001;\nmov.u32 %r3, 0x12345678;\nshf.r.clamp.b32 %r9, %r2, %r3, 40;"),
            0x12345678u);
  EXPECT_EQ(narrow("mov.u32 %r2, 0xabcd;\nbfe.u32 %r9, %r2, 4, 8;"), 0xbcu);
  EXPECT_EQ(narrow("mov.u32 %r2, 0xabcd;\nbfe.s32 %r9, %r2, 4, 8;"), 0xffffffbcu);
  EXPECT_EQ(narrow("mov.u32 %r2, 0xabcd;\nmov.u32 %r3, 0x11111111;\nbfi.b32 %r9, %r2, %r3, 8, 12;"), 0x111bcd11u);
  EXPECT_EQ(narrow("mov.u32 %r2, 0x33221100;\nmov.u32 %r3, 0x77665544;\nprmt.b32 %r9, %r2, %r3, 0x7250;"), 0x77225500u);
  EXPECT_EQ(narrow("mov.u32 %r2, 0x000000f0;\nprmt.b32 %r9, %r2, 0, 0x1118;"), 0x000000ffu);  // 8: the sign of byte 0
  EXPECT_EQ(
      narrow("mov.u32 %r2, 0xff00;\nmov.u32 %r3, 0xf0f0;\nmov.u32 %r4, 0xcccc;\nlop3.b32 %r9, %r2, %r3, %r4, 0x96;"),
      0xff00u ^ 0xf0f0u ^ 0xccccu);
  EXPECT_EQ(narrow("mov.u32 %r2, 0x00010000;\nclz.b32 %r9, %r2;"), 15u);
  EXPECT_EQ(narrow("mov.u64 %rd4, 1;\nclz.b64 %r9, %rd4;"), 63u);
  EXPECT_EQ(narrow("mov.u32 %r2, 0xf0f1;\npopc.b32 %r9, %r2;"), 9u);
  EXPECT_EQ(narrow("mov.u32 %r2, 6;\nbrev.b32 %r9, %r2;"), 0x60000000u);
  EXPECT_EQ(wide("mov.u32 %r2, 5;\nmov.u32 %r3, 6;\nmov.b64 %rd9, {%r2, %r3};"), 0x600000005u);
  EXPECT_EQ(narrow("mov.u64 %rd4, 0x600000005;\nmov.b64 {%r2, %r9}, %rd4;"), 6u);
}

TEST(PtxFloats, AreRoundedOnce) {
  EXPECT_EQ(single("mov.f32 %f1, 0f3F800001;\nmul.rn.f32 %f9, %f1, %f1;"), 0x1.000004p0f);  // (1 + 2^-23)^2, to even
  EXPECT_EQ(single("mov.f32 %f1, 0f3F800001;\nmov.f32 %f2, 0fBF800002;\nfma.rn.f32 %f9, %f1, %f1, %f2;"), 0x1p-46f);
  EXPECT_EQ(
      twice("mov.f64 %fd1, 0d3FF0000000000001;\nmov.f64 %fd2, 0dBFF0000000000002;\nfma.rn.f64 %fd9, %fd1, %fd1, %fd2;"),
      0x1p-104);
  EXPECT_EQ(single("mov.f32 %f1, 0f00000001;\nmov.f32 %f2, 0f3F000000;\nmul.rn.f32 %f9, %f1, %f2;"),
            0.0f);  // a tie, to even
  EXPECT_EQ(single("mov.f32 %f1, 0f00000003;\nmov.f32 %f2, 0f3F000000;\nmul.rn.f32 %f9, %f1, %f2;"),
            0x1p-148f);  // nothing is flushed
  EXPECT_EQ(single("mov.f32 %f1, 0f40400000;\nrcp.rn.f32 %f9, %f1;"), 0x1.555556p-2f);
  EXPECT_EQ(twice("mov.f64 %fd1, 0d4000000000000000;\nsqrt.rn.f64 %fd9, %fd1;"), 0x1.6a09e667f3bcdp0);
  EXPECT_EQ(single("mov.f64 %fd1, 0d3FF0000010000000;\ncvt.rn.f32.f64 %f9, %fd1;"), 1.0f);
}

TEST(PtxFloats, ThatAreNoNumberHaveOnePayload) {
  const std::string nan = "mov.f32 %f1, 0fFFC12345;\n";
  EXPECT_EQ(narrow(nan + "add.rn.f32 %f9, %f1, %f1;\nmov.b32 %r9, %f9;"), 0x7fffffffu);
  EXPECT_EQ(narrow(nan + "mov.f32 %f2, 0f40000000;\nmin.f32 %f9, %f1, %f2;\nmov.b32 %r9, %f9;"), 0x40000000u);
  EXPECT_EQ(narrow(nan + "mov.f32 %f2, 0f40000000;\nmin.NaN.f32 %f9, %f1, %f2;\nmov.b32 %r9, %f9;"), 0x7fffffffu);
  EXPECT_EQ(narrow(nan + "mov.b32 %r9, %f1;"), 0xffc12345u);  // moved, not computed
  EXPECT_EQ(narrow("mov.f32 %f1, 0f80000000;\nmov.f32 %f2, 0f00000000;\nmax.f32 %f9, %f1, %f2;\nmov.b32 %r9, %f9;"),
            0u);
}

TEST(PtxFloats, BecomeIntegersOfTheirRange) {
  EXPECT_EQ(narrow("mov.f32 %f1, 0fC0200000;\ncvt.rzi.s32.f32 %r9, %f1;"), 0xfffffffeu);  // -2.5
  EXPECT_EQ(narrow("mov.f32 %f1, 0fC0200000;\ncvt.rni.s32.f32 %r9, %f1;"), 0xfffffffeu);
  EXPECT_EQ(narrow("mov.f32 %f1, 0fC0200000;\ncvt.rmi.s32.f32 %r9, %f1;"), 0xfffffffdu);
  EXPECT_EQ(narrow("mov.f32 %f1, 0f7F800000;\ncvt.rzi.s32.f32 %r9, %f1;"), 0x7fffffffu);
  EXPECT_EQ(narrow("mov.f32 %f1, 0fC0200000;\ncvt.rzi.u32.f32 %r9, %f1;"), 0u);
  EXPECT_EQ(narrow("mov.f32 %f1, 0f7FC00000;\ncvt.rzi.s32.f32 %r9, %f1;"), 0u);
  EXPECT_EQ(wide("mov.u16 %rs1, 0xff80;\ncvt.s64.s8 %rd9, %rs1;"), 0xffffffffffffff80u);
  EXPECT_EQ(twice("mov.u32 %r2, -3;\ncvt.rn.f64.s32 %fd9, %r2;"), -3.0);
}

TEST(PtxFloats, ThatMayBeRoundedOtherwiseAreRefused) {
  for (const char* name : {"mul.f32 %f1, %f2, %f3;", "add.f64 %fd1, %fd2, %fd3;", "mul.rn.ftz.f32 %f1, %f2, %f3;",
                           "div.approx.f32 %f1, %f2, %f3;", "div.full.f32 %f1, %f2, %f3;", "sqrt.approx.f32 %f1, %f2;",
                           "ex2.approx.f32 %f1, %f2;", "fma.rz.f32 %f1, %f2, %f3, %f4;"}) {
    try {
      read_module(small_kernel(name));
      ADD_FAILURE() << name << " was accepted";
    } catch (const std::runtime_error& e) {
      EXPECT_NE(std::string(e.what()).find("not rounded to nearest"), std::string::npos) << e.what();
    }
  }
}

TEST(PtxComparisons, OfNoNumberAreWhatTheirNamesSay) {
  const auto holds = [](const std::string& compare) {
    return narrow("mov.f32 %f1, 0f7FC00000;\nmov.f32 %f2, 0f3F800000;\nsetp." + compare +
                  ".f32 %p1, %f1, %f2;\nselp.b32 %r9, 1, 0, %p1;") == 1;
  };
  for (const char* ordered : {"eq", "ne", "lt", "le", "gt", "ge", "num"}) EXPECT_FALSE(holds(ordered)) << ordered;
  for (const char* unordered : {"equ", "neu", "ltu", "leu", "gtu", "geu", "nan"})
    EXPECT_TRUE(holds(unordered)) << unordered;
}

TEST(PtxComparisons, CombineWithAPredicate) {
  const std::string two = "setp.eq.u32 %p1, %r0, %r0;\n";  // true
  EXPECT_EQ(narrow(two + "setp.lt.and.s32 %p2, %r0, 5, !%p1;\nselp.b32 %r9, 1, 0, %p2;"), 0u);
  EXPECT_EQ(narrow(two + "setp.gt.or.s32 %p2, %r0, 5, %p1;\nselp.b32 %r9, 1, 0, %p2;"), 1u);
  EXPECT_EQ(narrow(two + "setp.gt.xor.s32 %p2|%p3, %r0, 5, %p1;\nselp.b32 %r9, 1, 0, %p3;"), 0u);  // !(0 > 5) xor true
  EXPECT_EQ(narrow("mov.u32 %r2, -1;\nsetp.lo.u32 %p1, %r2, 1;\nselp.b32 %r9, 1, 0, %p1;"), 0u);
  EXPECT_EQ(narrow("mov.u32 %r2, -1;\nsetp.lt.s32 %p1, %r2, 1;\nselp.b32 %r9, 1, 0, %p1;"), 1u);
}

TEST(PtxBetweenLanes, ShufflesReadTheOtherLaneWithinTheirSegment) {
  const auto shuffled = [](const std::string& kind, const std::string& operands) {
    return run_small(
        small_kernel("shfl.sync." + kind + ".b32 %r9|%p1, %r0, " + operands +
                     ", -1;\nselp.b32 %r8, 100, 0, %p1;\nadd.u32 %r9, %r9, %r8;\nst.global.u32 [%rd1], %r9;"),
        threads(32));
  };
  EXPECT_EQ(shuffled("up", "1, 0")[0], 0u);  // there is none below
  EXPECT_EQ(shuffled("up", "1, 0")[31], 130u);
  EXPECT_EQ(shuffled("down", "2, 0x1f")[3], 105u);
  EXPECT_EQ(shuffled("down", "2, 0x1f")[30], 30u);
  EXPECT_EQ(shuffled("bfly", "16, 0x1f")[5], 121u);
  EXPECT_EQ(shuffled("idx", "3, 0x1f")[17], 103u);
  EXPECT_EQ(shuffled("down", "1, 0x181f")[7], 7u);  // segments of eight: 0x18 keeps the upper bits of a lane
  EXPECT_EQ(shuffled("idx", "3, 0x181f")[17], 119u);
}

TEST(PtxBetweenLanes, VotesMatchesAndSumsAreOfAllMembers) {
  const auto of = [](const std::string& body) {
    return run_small(small_kernel(body + "\nst.global.u32 [%rd1], %r9;"), threads(32));
  };
  EXPECT_EQ(of("setp.lt.u32 %p1, %r0, 3;\nvote.sync.ballot.b32 %r9, %p1, -1;")[9], 7u);
  EXPECT_EQ(of("setp.lt.u32 %p1, %r0, 3;\nvote.sync.any.pred %p2, %p1, -1;\nselp.b32 %r9, 1, 0, %p2;")[9], 1u);
  EXPECT_EQ(of("setp.lt.u32 %p1, %r0, 3;\nvote.sync.all.pred %p2, %p1, -1;\nselp.b32 %r9, 1, 0, %p2;")[9], 0u);
  EXPECT_EQ(of("setp.lt.u32 %p1, %r0, 32;\nvote.sync.all.pred %p2, %p1, -1;\nselp.b32 %r9, 1, 0, %p2;")[9], 1u);
  EXPECT_EQ(of("and.b32 %r2, %r0, 3;\nmatch.any.sync.b32 %r9, %r2, -1;")[6], 0x44444444u);
  EXPECT_EQ(of("redux.sync.add.s32 %r9, %r0, -1;")[4], 496u);
  EXPECT_EQ(of("redux.sync.max.u32 %r9, %r0, -1;")[4], 31u);
  // Lanes 0 to 7 among themselves.
  EXPECT_EQ(
      of("mov.u32 %r9, 0;\nsetp.ge.u32 %p1, %r0, 8;\n@%p1 bra PAST;\nredux.sync.add.u32 %r9, %r0, 0xff;\nPAST:\n")[5],
      28u);
}

TEST(PtxClocks, CountTheInstructionsOfAllWarps) {
  const std::string begin = "mov.u64 %rd4, %clock64;\n", end = "mov.u64 %rd5, %clock64;\nsub.s64 %rd9, %rd5, %rd4;\n";
  EXPECT_EQ(wide(begin + end), 1u);
  EXPECT_EQ(wide(begin + "add.u32 %r2, %r0, 1;\nadd.u32 %r2, %r2, 1;\n" + end), 3u);
  EXPECT_EQ(wide("mov.u64 %rd9, %clock64;\n"), 7u);  // the six that a small kernel begins with, and this one
  // From a warp's reading to that behind its barrier: both, and the other warp's first reading and barrier.
  const std::string barrier = "bar.sync 0;\n";
  EXPECT_EQ(run_small(small_kernel(barrier + begin + barrier + end + "st.global.u32 [%rd1], %rd9;"), threads(64))[0],
            4u);
  EXPECT_EQ(narrow("mov.u32 %r2, %clock;\nmov.u32 %r3, %clock;\nsub.s32 %r9, %r3, %r2;"), 1u);
  EXPECT_EQ(narrow("mov.u32 %r9, %clock_hi;"), 0u);
}

TEST(PtxAtomics, AreDoneByEveryLane) {
  const auto of = [](const std::string& body) { return run_small(small_kernel(body), threads(64)); };
  EXPECT_EQ(of("atom.global.add.u32 %r2, [%rd0], 2;")[0], 128u);
  EXPECT_EQ(of("red.global.max.u32 [%rd0], %r0;")[0], 63u);
  EXPECT_EQ(of("atom.global.cas.b32 %r2, [%rd0], 0, 5;")[0], 5u);
  EXPECT_EQ(of("atom.global.inc.u32 %r2, [%rd0], 9;")[0], 4u);  // 0..9 and round again, 64 times
  EXPECT_EQ(of("mov.f32 %f1, 0f3F800000;\natom.global.add.f32 %f2, [%rd0], %f1;")[0], std::bit_cast<uint32_t>(64.0f));
}

TEST(PtxCalls, PassStructsByValueAndReturn) {
  const std::string function =
      ".func (.param .b32 back) sum(.param .align 8 .b8 pair[8], .param .b32 more)\n{\n.reg .b32 %r<8>;\nld.param.u32 "
      "%r1, [pair];\nld.param.u32 %r2, [pair+4];\n"
      "ld.param.u32 %r3, [more];\nadd.s32 %r4, %r1, %r2;\nadd.s32 %r4, %r4, %r3;\nst.param.b32 [back], %r4;\nret;\n}\n";
  // Only even threads call.
  const std::string body =
      "mov.u32 %r9, 7;\nand.b32 %r2, %r0, 1;\nsetp.eq.u32 %p1, %r2, 1;\n@%p1 bra PAST;\n{\n.param .align 8 .b8 "
      "p0[8];\n.param .b32 p1;\n.param .b32 b0;\n"
      "st.param.b32 [p0], %r0;\nst.param.b32 [p0+4], %r1;\nst.param.b32 [p1], 1000;\ncall.uni (b0), sum, (p0, "
      "p1);\nld.param.b32 %r9, [b0];\n}\nPAST:\nst.global.u32 [%rd1], %r9;";
  expect_words(small_kernel(body, function), threads(6), {1000, 7, 1010, 7, 1020, 7});
}

TEST(PtxBranches, ByTableGoWhereEachLanesIndexSays) {
  const std::string body =
      "and.b32 %r2, %r0, 3;\nJUMPS: .branchtargets A, B, C, A;\nbrx.idx %r2, JUMPS;\nA:\nmov.u32 %r9, 10;\nbra "
      "END;\nB:\nmov.u32 %r9, 11;\nbra END;\nC:\nmov.u32 %r9, 12;\nEND:\n"
      "st.global.u32 [%rd1], %r9;";
  expect_words(small_kernel(body), threads(6), {10, 11, 12, 10, 10, 11});
}

TEST(PtxBranches, OfALoopWithAnotherEndForEachLane) {
  const std::string body =
      "mov.u32 %r9, 0;\nmov.u32 %r2, 0;\nLOOP:\nadd.u32 %r9, %r9, %r2;\nadd.u32 %r2, %r2, 1;\nsetp.le.u32 %p1, %r2, "
      "%r0;\n@%p1 bra LOOP;\nst.global.u32 [%rd1], %r9;";
  expect_words(small_kernel(body), threads(5), {0, 1, 3, 6, 10});
}

TEST(PtxText, MayDeclareSharedMemoryWithinAFunction) {
  const std::string body =
      "mov.u32 %r2, mine;\nadd.u32 %r3, %r2, %r1;\nst.shared.u32 [%r3], %r0;\nbar.sync 0;\nxor.b32 %r4, %r1, 4;\n"
      "add.u32 %r3, %r2, %r4;\nld.shared.u32 %r9, [%r3];\nst.global.u32 [%rd1], %r9;";
  const std::string before = ".shared .align 4 .b8 others[64];\n", inside = ".shared .align 4 .b8 mine[16];\n";
  expect_words(small_kernel(body, before, inside), threads(4), {1, 0, 3, 2});
  expect_fault(Check::bounds, small_kernel(body, before, inside), threads(5), "shared memory");
}

TEST(PtxText, ThatIsNotKnownIsNamedWithItsLine) {
  for (const auto& [body, part] : std::vector<std::pair<std::string, std::string>>{
           {"wgmma.fence.sync.aligned;", "instruction 'wgmma.fence.sync.aligned' is not known"},
           {"add.s32 %r2, %r9, %nothing;", "operand '%nothing' is unknown"},
           {"add.s64 %rd4, %rd5, %r1;", "register %r1 has another width"},
           {"bra NOWHERE;", "label NOWHERE is nowhere"},
           {"call.uni missing, ();", "a call of a function that is not in the module"}}) {
    try {
      read_module(small_kernel(body));
      ADD_FAILURE() << body << " was accepted";
    } catch (const std::runtime_error& e) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find("PTX line"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace equipoise::ptx::test
