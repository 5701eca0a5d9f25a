// tests/ptx/shipped_barriers_test.cpp - no barrier of the shipped kernels can be left out: without it the machine finds
// a race, or reads of what is not yet written. A barrier that can be is listed here, with the reason.
#include <map>
#include <set>

#include "tests/ptx/access.h"
#include "tests/ptx/shipped_workloads.h"

namespace equipoise::ptx::test {
namespace {

/// By source line of the barrier, innermost first: why nothing is found without it.
const std::map<std::string, std::string> kRedundant = {
};

bool is_barrier(const Instruction& i) { return i.flow == Flow::block_barrier || i.flow == Flow::warp_barrier; }

std::vector<Instruction*> barriers_of(Module& module) {
  std::vector<Instruction*> all;
  for (Function& f : module.functions)
    for (Instruction& i : f.code)
      if (is_barrier(i)) all.push_back(&i);
  return all;
}

/// The fault found in a workload without the barrier; "" if none.
std::string without(Instruction& barrier, const Workload& workload) {
  const Instruction kept = barrier;
  barrier.flow = Flow::next;
  barrier.run = nothing();
  std::string found;
  try {
    workload.run();
  } catch (const std::exception& fault) {
    found = fault.what();
  }
  barrier = kept;
  return found;
}

TEST(ShippedBarriers, AreAllNeeded) {
  const std::vector<Workload> all = workloads();
  std::map<const Instruction*, std::vector<const Workload*>> reached;
  for (const Workload& workload : all) {
    std::map<const Instruction*, uint64_t> before;
    for (const char* name : {"interpreter", "gram_batch", "min_norm_batch"})
      for (const Instruction* i : barriers_of(gpu_module(name))) before[i] = i->runs;
    workload.run();
    for (const auto& [i, runs] : before)
      if (i->runs > runs) reached[i].push_back(&workload);
  }
  int needed = 0, listed = 0;
  for (const char* name : {"interpreter", "gram_batch", "min_norm_batch"}) {
    Module& module = gpu_module(name);
    for (Instruction* barrier : barriers_of(module)) {
      const std::string where = module.source_of(*barrier), line = std::to_string(barrier->line);
      EXPECT_FALSE(reached[barrier].empty()) << name << ".ptx line " << line << " is reached by no workload: " << where;
      std::string fault;
      for (const Workload* workload : reached[barrier])
        if (fault = without(*barrier, *workload); !fault.empty()) break;
      std::string reason;
      for (const auto& [place, why] : kRedundant)
        if (where.find(place) != std::string::npos) reason = why;
      if (!fault.empty()) ++needed;
      else if (!reason.empty()) ++listed;
      else ADD_FAILURE() << name << ".ptx line " << line << ": nothing is found without the barrier of " << where;
    }
  }
  RecordProperty("needed", needed);
  RecordProperty("listed", listed);
  std::printf("%d barriers are needed, %d are listed as redundant\n", needed, listed);
}

}  // namespace
}  // namespace equipoise::ptx::test
