// tests/engine/lower/barriers_test.cpp - a phase may run its units in any order; two neighbouring phases may not.
//
// One thread plays every order a team could fall into. Shuffling the units of each phase must change no bit, and
// shuffling those of two neighbouring phases together must: otherwise the barrier between them would be idle.
#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <random>
#include <string>
#include <vector>

#include "engine/lower/program_code.h"
#include "tests/engine/run/team_executor.h"
#include "tests/engine/systems/synthetic_run.h"

namespace equipoise::test {
namespace {

constexpr int kSteps = 4, kBatch = 8;

struct Unit {
  const Operation* operation;
  int number;
};

template <class Team>
int units_of(const Operation& o, const Context& c) {
  switch (o.kind) {
#define EQ_CASE(tag, Struct) \
  case OperationKind::tag:   \
    return o.tag.template units<Team>(c);
    EQ_OPERATIONS(EQ_CASE)
#undef EQ_CASE
  }
  return 0;
}

/// As the member of a team of as many threads as the operation has units: it runs the one of its own number.
template <class Team>
void run_unit(const Unit& u, const Context& c) {
  std::barrier<> none(1);
  const Team member(u.number, units_of<Team>(*u.operation, c), none);
  switch (u.operation->kind) {
#define EQ_CASE(tag, Struct) \
  case OperationKind::tag:   \
    return run_operation(member, c, u.operation->tag, 0);
    EQ_OPERATIONS(EQ_CASE)
#undef EQ_CASE
  }
}

enum class Order { reversed, shuffled };

/// Trains `kSteps` steps; in the first, the units of phases `merged` and merged + 1 form one heap, those of any other
/// phase one each. Scratch begins as zeros: a unit that runs too early must find row numbers that exist.
template <class Team>
std::string hash_in_order(Order order, int merged, unsigned seed) {
  Setup setup = synthetic_setup();
  setup.settings.rows = 29;  // the fourth batch has 5 rows
  const Program program = synthetic_program(setup, kBatch);
  Population population(setup, program, {0});
  const RunTables tables = synthetic_tables(setup);
  LaunchMemory memory(program, tables, population.settings, population.controls, population.state, {1, false}, 0.0f);
  Context c{};
  c.base[static_cast<int>(Space::fast)] = memory.fast();
  c.base[static_cast<int>(Space::work)] = memory.launch().work;
  c.base[static_cast<int>(Space::state)] = population.state.data();
  c.control = population.controls.data();
  c.settings = population.settings.data();
  c.data = &memory.launch().programs[0].data;
  c.chains = memory.launch().chains;
  c.batch = kBatch;
  c.shuffle = true;
  std::mt19937 engine(seed);
  for (int step = 0; step < kSteps; ++step) {
    c.n = std::min(kBatch, setup.settings.rows - c.control->position);
    const int phases = static_cast<int>(program.code->phases.size());
    for (int p = 0; p < phases;) {
      const int end = step == 0 && p == merged ? std::min(p + 2, phases) : p + 1;
      std::vector<Unit> heap;
      for (int i = program.code->phases[static_cast<std::size_t>(p)].first;
           i < program.code->phases[static_cast<std::size_t>(end - 1)].end; ++i) {
        const Operation& o = program.code->operations[static_cast<std::size_t>(i)];
        for (int u = 0; u < units_of<Team>(o, c); ++u) heap.push_back({&o, u});
      }
      if (order == Order::reversed) std::reverse(heap.begin(), heap.end());
      if (order == Order::shuffled) std::shuffle(heap.begin(), heap.end(), engine);
      for (const Unit& u : heap) run_unit<Team>(u, c);
      p = end;
    }
  }
  return population.hashes(program).front();
}

std::string expected_hash() {
  Setup setup = synthetic_setup();
  setup.settings.rows = 29;
  return train(setup, kBatch, *make_cpu_executor(1), kSteps, kSteps, {0}).front();
}

TEST(Barriers, LetTheUnitsOfAPhaseRunInAnyOrder) {
  const std::string expected = expected_hash();
  EXPECT_EQ(hash_in_order<HostTeam>(Order::reversed, -1, 0), expected);
  EXPECT_EQ(hash_in_order<HostTeamOf<DeviceCut>>(Order::reversed, -1, 0), expected);
  for (unsigned seed : {1u, 2u, 3u}) {
    EXPECT_EQ(hash_in_order<HostTeam>(Order::shuffled, -1, seed), expected);
    EXPECT_EQ(hash_in_order<HostTeamOf<DeviceCut>>(Order::shuffled, -1, seed), expected);
  }
}

TEST(Barriers, AreEachNeededSomewhere) {
  const std::string expected = expected_hash();
  const int phases = static_cast<int>(synthetic_program(synthetic_setup(), kBatch).code->phases.size());
  for (int p = 0; p + 1 < phases; ++p)
    EXPECT_NE(hash_in_order<HostTeam>(Order::reversed, p, 0), expected) << "between phases " << p << " and " << p + 1;
}

}  // namespace
}  // namespace equipoise::test
