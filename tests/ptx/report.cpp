// tests/ptx/report.cpp - what a run of the device tests on the machine has checked, and which instructions of the
// shipped PTX it has executed: printed at the end; with EQUIPOISE_PTX_COVERAGE=99:96:99 less than 99 % of the
// interpreter, 96 % of gram_batch or 99 % of min_norm_batch fails (one number: of each), and the instructions that
// never ran are listed in the working folder.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/ptx/gpu.h"

namespace equipoise::ptx {

namespace {

/// What the engine starts; the probe of math is a test's.
constexpr const char* kShipped[] = {"interpreter", "gram_batch", "min_norm_batch"};

class Report : public testing::Environment {
 public:
  void TearDown() override {
    const Counts& c = gpu().counts;
    std::printf(
        "PTX machine: %llu launches of %llu blocks, %llu warp instructions, %llu block and %llu warp barriers, %llu "
        "accesses to %llu words checked\n",
        static_cast<unsigned long long>(c.launches), static_cast<unsigned long long>(c.blocks),
        static_cast<unsigned long long>(c.instructions), static_cast<unsigned long long>(c.block_barriers),
        static_cast<unsigned long long>(c.warp_barriers), static_cast<unsigned long long>(c.accesses),
        static_cast<unsigned long long>(c.words));
    const char* wanted = std::getenv("EQUIPOISE_PTX_COVERAGE");
    if (!wanted) return;
    for (const char* name : kShipped) {
      char* end = nullptr;
      expect_coverage(name, gpu_module(name), std::strtod(wanted, &end));
      if (*end == ':') wanted = end + 1;  // else the number is that of the next ones too
    }
  }

 private:
  static void expect_coverage(const std::string& name, const Module& module, double wanted) {
    std::size_t all = 0, ran = 0;
    const std::string list = "ptx_unexecuted_" + module.target + "_" + name + ".txt";
    std::ofstream file(list);
    for (const Function& f : module.functions)
      for (const Instruction& i : f.code) {
        ++all;
        if (i.runs > 0) ++ran;
        else
          file << "line " << i.line << ": " << module.texts[static_cast<std::size_t>(i.text_number)] << "   "
               << module.source_of(i) << "\n";
      }
    const double share = 100.0 * static_cast<double>(ran) / static_cast<double>(all);
    std::printf("%s (%s): %zu of %zu instructions executed, %.2f %%; the others are in %s\n", name.c_str(),
                module.target.c_str(), ran, all, share, list.c_str());
    EXPECT_GE(share, wanted) << name;
  }
};

const testing::Environment* const registered = testing::AddGlobalTestEnvironment(new Report);

}  // namespace

}  // namespace equipoise::ptx
