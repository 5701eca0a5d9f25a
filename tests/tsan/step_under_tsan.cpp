// tests/tsan/step_under_tsan.cpp - training steps by a team of eight threads, for ThreadSanitizer to watch.
//
//   step_under_tsan SYSTEM                      all barriers in place: no report, exit 0
//   step_under_tsan SYSTEM --without-barrier N  the barrier after phase N of the first step left out: a report, exit 66
//   step_under_tsan SYSTEM --barriers           prints how many there are to leave out
//
// SYSTEM: mldrl, towers, network (towers whose network minimises the GradNorm loss too) or vaegan.
// The barrier after parameters were copied to fast memory is not among them: the first phase, which chooses rows, reads
// no parameter, so another one always stands between the copy and its readers.
#include <barrier>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "engine/lower/program_code.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "tests/engine/run/team_executor.h"
#include "tests/engine/systems/synthetic_run.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

constexpr int kThreads = 8, kBatch = 8, kSteps = 3;

/// A HostTeam that passes by one of its barriers, each member the same one. Members take the next rank at every
/// barrier, so that no chain of small operations stays with one thread, which would need no barrier.
template <class CutOf>
class FaultyTeam : public CutOf {
 public:
  FaultyTeam(int rank, std::barrier<>& barrier, int left_out) : team_(rank, kThreads, barrier), left_out_(left_out) {}
  int thread_rank() const { return (team_.thread_rank() + passed_) % size(); }
  int size() const { return team_.size(); }
  void sync() const {
    if (passed_++ != left_out_) team_.sync();
  }

 private:
  HostTeamOf<CutOf> team_;
  int left_out_;
  mutable int passed_ = 0;
};

struct Case {
  Setup setup;
  RunTables tables;
};

Case small_mldrl() {
  Setup setup = synthetic_setup();
  mldrl(setup).features = {21, 13};
  mldrl(setup).hidden = 12;
  setup.settings.rows = kBatch * kSteps;  // full batches only: members agree on n whatever they see of the position
  return {setup, synthetic_tables(setup)};
}

Case small_system(const Setup& setup) {
  const SyntheticSystem s = synthetic_system(setup, kBatch, kBatch * kSteps);
  return {s.plan.setup, tables_of(*setup.system, s.data, s.split, s.plan.class_weights)};
}

Case case_of(const char* system) {
  const auto is = [&](const char* name) { return std::strcmp(system, name) == 0; };
  if (is("mldrl")) return small_mldrl();
  if (is("vaegan")) {
    Setup setup = synthetic_vaegan();
    setup.optimizer = OptimizerKind::adam;  // its update reads what the last phase writes; RMSProp's does not
    return small_system(setup);
  }
  Setup towers = synthetic_towers(3);
  if (is("towers")) return small_system(towers);
  if (!is("network")) std::fprintf(stderr, "'%s' is none of mldrl, towers, network and vaegan\n", system), std::exit(2);
  towers.balance[0].methods[0].network = 1;
  return small_system(towers);
}

template <class CutOf>
void run(const Case& of, const Program& program, int left_out) {
  Population population(of.setup, program, {0});
  // Scratch begins as zeros: a member that is too early must find row numbers that exist.
  LaunchMemory memory(program, of.tables, population.settings, population.controls, population.state, {kSteps, false},
                      0.0f);
  std::barrier<> barrier(kThreads);
  std::vector<std::jthread> members;
  for (int rank = 0; rank < kThreads; ++rank)
    members.emplace_back([&, rank] {
      run_replica(FaultyTeam<CutOf>(rank, barrier, left_out), memory.launch(), 0, memory.fast());
      barrier.arrive_and_drop();
    });
}

int main_of(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: step_under_tsan SYSTEM [--barriers | --without-barrier N]\n"), 2;
  const Case of = case_of(argv[1]);
  const Program program = synthetic_program(of.setup, kBatch, {INT64_MAX / 8, true});
  const int barriers = static_cast<int>(program.code->phases.size());
  if (argc == 3 && std::strcmp(argv[2], "--barriers") == 0) return std::printf("%d\n", barriers) > 0 ? 0 : 1;
  int left_out = -1;
  if (argc == 4 && std::strcmp(argv[2], "--without-barrier") == 0) {
    const int number = std::atoi(argv[3]);
    if (number < 0 || number >= barriers) return std::fprintf(stderr, "there are barriers 0 .. %d\n", barriers - 1), 2;
    left_out = 1 + number;
  } else if (argc != 2) {
    return std::fprintf(stderr, "usage: step_under_tsan SYSTEM [--barriers | --without-barrier N]\n"), 2;
  }
  run<HostCut>(of, program, left_out);
  run<DeviceCut>(of, program, left_out);
  return 0;
}

}  // namespace
}  // namespace equipoise::test

int main(int argc, char** argv) { return equipoise::test::main_of(argc, argv); }
