// kernels/run/interpreter.h - runs programs: many steps of one replica by one team, without returning to the host.
// Operations of one phase are independent and share the team; one barrier stands between phases.
#pragma once

#include "kernels/program/launch.h"
#include "kernels/program/operation.h"
#include "kernels/run/epoch_end.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// A one-warp operation on its warp: never inlined, so that its registers are not the interpreter's. The context is
/// copied: one whose address is given away would live in memory for the whole program.
template <class Warp, class Op>
EQ_COLD void run_on_warp(const Op& op, Context c) {
  op.on_warp(Warp{}, c);
}

/// A thread's units of an operation: number u, and on in steps of the team.
template <class Team, class Op>
EQ_FN void run_units(const Team& team, const Context& c, const Op& op, int u) {
  const int size = team.size(), units = op.template units<Team>(c);
  for (; u < units; u += size) op.template unit<Team>(c, u);
}

template <class Team, class Op>
EQ_CALL void run_operation(const Team& team, const Context& c, const Op& op, int first_unit) {
  const int size = team.size(), u = team.thread_rank() - first_unit % size;
  run_units(team, c, op, u < 0 ? u + size : u);
}

/// A seldom operation by the whole block, apart for the same reason as a one-warp operation.
template <class Block, class Op>
EQ_COLD void run_apart(const Op& op, Context c, int u) {
  run_units(Block{}, c, op, u);
}

/// The same on a thread block, whose warps leave out what has no units for them: the thread's first unit is u.
template <class Block, class Op>
EQ_FN void run_on_block(const Block& block, const Context& c, const Op& op, int u) {
  if constexpr (requires { Op::kOneWarp; }) run_on_warp<typename Block::Warp>(op, c);
  else if constexpr (requires { Op::kApart; }) run_apart<typename Block::Block>(op, c, u);
  else run_units(block, c, op, u);
}

template <class Team>
EQ_FN void run_phase(const Team& team, const Context& c, const Operation* operations, Phase phase) {
  constexpr bool kBlock = requires { typename Team::Warp; };
  [[maybe_unused]] int turn = team.thread_rank() / 32;  // of the warp, at the operation's units: 32 a turn
  const Operation* next = operations + phase.first;
  [[maybe_unused]] int turns = kBlock ? next->turns : 0;  // of an operation, asked for one ahead
  for (int left = phase.end - phase.first; left > 0; --left) {
    EQ_ONE_REGISTER(next);
    const Operation& o = *next++;
    [[maybe_unused]] const int at = turn;
    if constexpr (kBlock) {
      turn -= turns;  // where first_unit of the next one is, and no division: units of a phase lie end to end
      turns = o.next_turns;
      if (turn >= 0) continue;
      while (turn < 0) turn += team.size() / 32;
    }
    [[maybe_unused]] const int u = at * 32 + team.thread_rank() % 32;
    switch (o.kind) {
#define EQ_CASE(tag, Struct)                               \
  case OperationKind::tag:                                 \
    if constexpr (kBlock) run_on_block(team, c, o.tag, u); \
    else run_operation(team, c, o.tag, o.first_unit);      \
    break;
      EQ_OPERATIONS(EQ_CASE)
#undef EQ_CASE
    }
  }
}

/// Up to `todo` steps of one program, and how many it left to do. The context's memory and slot are set; all else of it
/// is the program's.
template <class Team>
EQ_FN int run_program(const Team& team, Context& c, const LaunchProgram& program, int todo) {
  c.control = program.controls + c.slot;
  c.settings = program.settings + c.slot;
  c.data = &program.data;
  c.batch = program.batch;
  c.shuffle = program.shuffle;
  const int epoch = program.first_epochs ? program.first_epochs[c.slot] : c.control->epoch;
  // Only the last phase changes what the loop below reads, and at least one barrier lies before it.
  for (; todo > 0; --todo) {
    const int left = c.settings->rows - c.control->position;
    if (left <= 0 || rests(*c.control, epoch, program.stop_at_epoch_end)) break;
    c.n = left < program.batch ? left : program.batch;
    for (int p = 0; p < program.phase_count; ++p) {
      run_phase(team, c, program.operations, program.phases[p]);
      team.sync();
      if constexpr (requires { team.phase_ended(p); }) team.phase_ended(p);  // a team that counts clocks
    }
  }
  if (program.statuses && team.thread_rank() == 0)
    program.statuses[c.slot] = {c.control->step, rests(*c.control, epoch, program.stop_at_epoch_end)};
  return todo;
}

/// Runs replica number `slot` of the launch. `fast` is this team's fast memory.
template <class Team>
EQ_FN void run_replica(const Team& team, const Launch& launch, int slot, float* fast) {
  Context c;
  c.base[static_cast<int>(Space::fast)] = fast;
  c.base[static_cast<int>(Space::work)] = launch.work + slot * launch.work_floats;
  c.base[static_cast<int>(Space::state)] = launch.state + slot * launch.state_floats;
  c.chains = launch.chains;
  c.slot = slot;
  const bool epochs = launch.epochs.rules != nullptr;
  copy_resident(team, c, launch, true);
  team.sync();
  int left = launch.programs[0].steps;
  int p = epochs ? next_epoch(team, launch, slot, left) : 0;
  while (p < launch.program_count) {
    const LaunchProgram& program = launch.programs[p];
    c.output_slot = epochs && p == 1 ? output_slot(launch.epochs, slot) : slot;
    const int todo = run_program(team, c, program, epochs && p == 0 ? left : program.steps);
    if (epochs && p == 0) left = todo;
    p = epochs ? program_after(team, launch, c, p, left) : p + 1;
  }
  copy_resident(team, c, launch, false);
  team.sync();
}

}  // namespace equipoise
