// tests/ptx/shipped_barriers_test.cpp - no barrier of the shipped kernels can be left out: without it the machine finds
// a race, or reads of what is not yet written. A barrier that can be is listed here, with the reason.
#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "tests/ptx/access.h"
#include "tests/ptx/shipped_workloads.h"

namespace equipoise::ptx::test {
namespace {

/// A barrier that no workload misses, and why it stays. Without a text it is the last one of its function.
struct Redundant {
  std::string file, function;
  std::string text;  ///< a piece of its line, or of the line that calls what it is in: a lambda, or `each`
  std::string why;
};
const std::vector<Redundant> kRedundant = {
    {"run/replica.h", "run_replica", "",
     "nothing follows in a block; a team with another replica to run uses the fast memory again"},
    {"balance/run_chain.h", "weigh_losses", "norm_[i] = sqrt(",
     "methods that weigh begin after a barrier; but GradNorm alone reads norms, and behind one of its own"},
    {"balance/run_chain.h", "end", "",
     "a chain ends with a barrier; but the operation that runs it reads only what the same lane wrote"},
    {"balance/gradnorm.h", "weigh_by_gradient_norms", "raised * in.weight[i]",
     "methods that weigh end with a barrier; but before norms are known a lane goes on with its own weights"},
    {"balance/gradnorm.h", "weigh_by_gradient_norms", "",
     "methods that weigh end with a barrier; but a lane goes on with its own next weights"},
    {"solve/min_norm.h", "prove", "",
     "a solver's caller may use the scratch again; but none writes where the prices are before another barrier"},
    {"solve/nonnegative_qp.h", "nonnegative_qp", "",
     "a solver's caller may use the scratch again; but none writes where the prices are before another barrier"},
    {"solve/symmetric_eigen.h", "symmetric_eigen", "",
     "of m = 1 it is the only one, and a caller may use the scratch again; but none mixes one task, or writes there"},
    {"run/gram_batch.h", "gram_chunk", "",
     "nothing follows in a block; a team with another chunk to do uses its scratch again"},
};

bool is_barrier(const Instruction& i) { return i.flow == Flow::block_barrier || i.flow == Flow::warp_barrier; }

std::vector<Instruction*> barriers_of(Module& module) {
  std::vector<Instruction*> all;
  for (Function& f : module.functions)
    for (Instruction& i : f.code)
      if (is_barrier(i)) all.push_back(&i);
  return all;
}

/// Where a barrier stands in the sources of kernels, whatever it is inlined into.
struct Site {
  std::string file, function;
  int line = 0;
};

/// The lines of a source; the first one is empty.
const std::vector<std::string>& lines_of(const std::string& file) {
  static std::map<std::string, std::vector<std::string>> known;
  std::vector<std::string>& lines = known[file];
  if (!lines.empty()) return lines;
  lines.emplace_back();
  std::ifstream in(file);
  for (std::string text; std::getline(in, text);) lines.push_back(text);
  return lines;
}
const std::string& text_of(const Site& site) {
  const std::vector<std::string>& lines = lines_of(site.file);
  return lines[site.line < static_cast<int>(lines.size()) ? static_cast<std::size_t>(site.line) : 0];
}

/// The function whose head is the nearest above a line; "" if none. Heads begin with a macro of kernels/base/fn.h.
std::string function_around(const std::string& file, int line) {
  static const std::regex head(R"(^\s*EQ_(?:FN|COLD|CALL)\b[^=(]*?(\w+)\()");
  const std::vector<std::string>& lines = lines_of(file);
  std::smatch found;
  for (int at = std::min(line, static_cast<int>(lines.size()) - 1); at > 0; --at)
    if (std::regex_search(lines[static_cast<std::size_t>(at)], found, head)) return found[1];
  return "";
}

/// The innermost function that holds the barrier, loops called `each` aside, and of its lines the outermost: what a
/// lambda does stands where the lambda is called.
Site site_of(const Module& module, const Instruction& i) {
  Site site;
  for (int at = i.location; at >= 0; at = module.locations[static_cast<std::size_t>(at)].caller) {
    const Location& here = module.locations[static_cast<std::size_t>(at)];
    const auto file = module.files.find(here.file);
    if (file == module.files.end() || file->second.find("kernels/") == std::string::npos ||
        file->second.find("kernels/teams/") != std::string::npos)
      continue;
    const std::string function = function_around(file->second, here.line);
    if (function == "each") continue;
    if (site.line > 0 && (file->second != site.file || function != site.function)) break;
    site = {file->second, function, here.line};
  }
  return site;
}

/// The line of the last of these barriers in each function.
std::map<std::string, int> last_lines(const Module& module, const std::vector<Instruction*>& barriers) {
  std::map<std::string, int> last;
  for (const Instruction* i : barriers) {
    const Site site = site_of(module, *i);
    int& line = last[site.file + site.function];
    line = std::max(line, site.line);
  }
  return last;
}

/// Its entry of kRedundant; null: it has none.
const Redundant* excuse_of(const Site& site, int last_line) {
  for (const Redundant& r : kRedundant) {
    if (!site.file.ends_with("/" + r.file) || site.function != r.function) continue;
    if (r.text.empty() ? site.line == last_line : text_of(site).find(r.text) != std::string::npos) return &r;
  }
  return nullptr;
}

/// The fault found in a workload without the barrier; "" if none.
std::string without(Instruction& barrier, const Workload& workload) {
  const Instruction kept = barrier;
  barrier.flow = Flow::next;
  barrier.run = nothing();
  std::string found;
  try {
    workload.run();
  } catch (const Fault& fault) {
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
  std::set<const Redundant*> met;
  for (const char* name : {"interpreter", "gram_batch", "min_norm_batch"}) {
    Module& module = gpu_module(name);
    const std::vector<Instruction*> barriers = barriers_of(module);
    std::map<std::string, int> last = last_lines(module, barriers);
    for (Instruction* barrier : barriers) {
      const Site site = site_of(module, *barrier);
      const std::string what = std::string(name) + ".ptx line " + std::to_string(barrier->line) + ", in " +
                               site.function + ": the barrier of " + module.source_of(*barrier);
      EXPECT_FALSE(reached[barrier].empty()) << what << " is reached by no workload";
      std::string fault;
      for (const Workload* workload : reached[barrier])
        if (fault = without(*barrier, *workload); !fault.empty()) break;
      const Redundant* const excuse = excuse_of(site, last[site.file + site.function]);
      if (fault.empty()) EXPECT_NE(excuse, nullptr) << what << " is not missed by any workload";
      else EXPECT_EQ(excuse, nullptr) << what << " is listed as redundant, but is missed: " << fault;
      ++(fault.empty() ? listed : needed);
      met.insert(excuse);
    }
  }
  for (const Redundant& r : kRedundant)
    EXPECT_TRUE(met.contains(&r)) << "no barrier is the one listed of " << r.function << " " << r.text;
  RecordProperty("needed", needed);
  RecordProperty("listed", listed);
  std::printf("%d barriers are needed, %d are listed as redundant\n", needed, listed);
}

}  // namespace
}  // namespace equipoise::ptx::test
