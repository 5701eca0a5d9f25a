// tests/ptx/model/costs.h - what instructions are taken to cost on a Hopper multiprocessor, in one frozen table.
//
// `slots`: issues of a warp's instruction on its scheduler, counting that PTX is not machine code: a 64-bit addition is
// two instructions, a division a dozen, a move none. `latency`: clocks until the result can be used. Sources:
//   widths      CUDA C++ Programming Guide 13.0, table of arithmetic throughput for compute capability 9.0: 128 float32
//               or 64 int32 multiplications, 64 float64, 16 conversions to and from 64 bits a clock; four schedulers
//   latencies   W. Luo et al., Benchmarking and Dissecting the Nvidia Hopper GPU Architecture via Microbenchmarking,
//               IPDPS 2024, and Z. Jia et al., Dissecting the NVIDIA Volta GPU Architecture via Microbenchmarking,
//               2018, for what did not change; rounded
//   sequences   divisions and roots: counted in the machine code that ptxas 13.0 makes of them (their usual path)
// The table stays as it is until a GPU is at hand; a correction restates every figure that was made with it.
#pragma once

#include <string>

namespace equipoise::ptx {

struct Cost {
  double slots;
  double latency;
  double fma = 0;  ///< float32 multiply-adds a lane
};

inline constexpr double kSharedLatency = 33, kGlobalLatency = 40, kLocalLatency = 40, kBranchLatency = 8,
                        kBarrierLatency = 20;
inline constexpr int kSchedulers = 4, kBanks = 32, kFmaLanes = 128;
inline constexpr double kClockGhz = 1.98;
inline constexpr int kMultiprocessors = 132, kRegisters = 65536,
                     kSharedBytes = 233472;  ///< of an H100 or H200, of a multiprocessor

/// Of an instruction that touches no memory, by its name.
inline Cost cost_of(const std::string& name) {
  const auto is = [&](const char* start) { return name.starts_with(start); };
  const auto ends = [&](const char* end) { return name.ends_with(end); };
  const bool wide = ends("64");
  if (is("mov.") || is("cvta.to.") || is("bar.") || is("barrier.")) return {is("mov.") || is("cvta.") ? 0.0 : 1.0, 0};
  if (is("cvta.")) return {2, 5};
  if (is("fma.rn.f32") || is("mul.rn.f32") || is("add.rn.f32") || is("sub.rn.f32")) return {1, 4, 1};
  if (is("fma.rn.f64") || is("mul.rn.f64") || is("add.rn.f64") || is("sub.rn.f64")) return {2, 10};
  if (is("div.rn.f32")) return {9, 36};
  if (is("rcp.rn.f32")) return {7, 28};
  if (is("sqrt.rn.f32")) return {8, 32};
  if (is("div.rn.f64")) return {26, 110};
  if (is("rcp.rn.f64")) return {20, 80};
  if (is("sqrt.rn.f64")) return {22, 100};
  if (is("min.f64") || is("max.f64")) return {6, 20};
  if (is("setp.") && ends("f64")) return {2, 10};
  if (is("abs.f") || is("neg.f")) return {0, 0};  // a modifier of the operand
  if (is("div.") || is("rem.")) return wide ? Cost{70, 200} : Cost{18, 60};
  if (is("mul.wide") || is("mad.wide") || is("mul.lo") || is("mad.lo") || is("mul.hi") || is("mad.hi"))
    return wide && !is("mul.wide") ? Cost{6, 14} : Cost{2, 5};
  if (is("cvt.")) {
    const bool doubles = name.find("f64") != std::string::npos;
    if (doubles) return {8, 14};
    if (name.find(".f32") != std::string::npos) return {2, 8};
    return name.starts_with("cvt.u32.u64") || name.starts_with("cvt.s64.s32") == false ? Cost{0, 0} : Cost{1, 5};
  }
  if (is("popc.") || is("clz.") || is("brev.")) return {2, 8};
  if (is("selp.") || is("setp.")) return {wide ? 2.0 : 1.0, 5};
  return {wide ? 2.0 : 1.0, 5};  // additions, logic, shifts
}

/// Clocks of the kernels of commit 28a8ddf by this table: what later ones are compared with.
struct Baseline {
  const char* name;
  double clocks;
};
inline constexpr Baseline kBaseline[] = {
    {"MLDRL step, 81 + 81 columns, batch 32, GradNorm", 168204},
    {"MLDRL step, 12 + 12 columns (pbcseq), batch 32, GradNorm", 128116},
    {"towers step, 4 tasks, batch 32", 138395},
    {"trunk step, 10 tasks, batch 32", 193807},
    {"VAE-GAN step, batch 32", 107035},
    {"Gram, K 2, a chunk of 4096 columns", 2340},
    {"Gram, K 4, a chunk of 4096 columns", 3415},
    {"Gram, K 8, a chunk of 4096 columns", 6889},
    {"Gram, K 16, a chunk of 4096 columns", 12777},
    {"Gram, K 32, a chunk of 4096 columns", 12777},
    {"min-norm, K 2", 1836},
    {"min-norm, K 3", 9279},
    {"min-norm, K 5", 16237},
    {"min-norm, K 8", 31704},
    {"min-norm, K 16", 77332},
    {"min-norm, K 32", 213848},
};

}  // namespace equipoise::ptx
