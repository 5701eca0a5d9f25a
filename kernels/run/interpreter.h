// kernels/run/interpreter.h - a step of a program from its tables, whatever the program. Operations of one phase are
// independent and share the team; one barrier stands between phases.
#pragma once

#include "kernels/program/launch.h"
#include "kernels/program/operation.h"
#include "kernels/run/replica.h"
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

struct TabledSteps {
  template <class Team>
  EQ_FN void step(const Team& team, const Context& c, const LaunchProgram& program, int) const {
    for (int p = 0; p < program.phase_count; ++p) {
      run_phase(team, c, program.operations, program.phases[p]);
      team.sync();
      if constexpr (requires { team.phase_ended(p); }) team.phase_ended(p);  // a team that counts clocks
    }
  }
};

/// Replica number `slot` of a launch by the interpreter.
template <class Team>
EQ_FN void run_replica(const Team& team, const Launch& launch, int slot, float* fast) {
  run_replica(team, TabledSteps{}, launch, slot, fast);
}

}  // namespace equipoise
