// kernels/run/replica.h - many steps of one replica by one team, without returning to the host: programs in turn, or
// the epochs of a training and its evaluations. How a step of a program is done is told by `Steps`: from its tables
// (kernels/run/interpreter.h), or by code made for it (kernels/run/generated.cuh).
//   void step(team, c, program, p) const   one step of the launch's program number p; all have seen its end behind it
#pragma once

#include "kernels/program/launch.h"
#include "kernels/run/epoch_end.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// Up to `todo` steps of one program, and how many it left to do. The context's memory and slot are set; all else of it
/// is the program's.
template <class Team, class Steps>
EQ_FN int run_program(const Team& team, const Steps& steps, Context& c, const LaunchProgram& program, int p, int todo) {
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
    steps.step(team, c, program, p);
  }
  if (program.statuses && team.thread_rank() == 0)
    program.statuses[c.slot] = {c.control->step, rests(*c.control, epoch, program.stop_at_epoch_end)};
  return todo;
}

/// Runs replica number `slot` of the launch. `fast` is this team's fast memory.
template <class Team, class Steps>
EQ_FN void run_replica(const Team& team, const Steps& steps, const Launch& launch, int slot, float* fast) {
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
    const int todo = run_program(team, steps, c, program, p, epochs && p == 0 ? left : program.steps);
    if (epochs && p == 0) left = todo;
    p = epochs ? program_after(team, launch, c, p, left) : p + 1;
  }
  copy_resident(team, c, launch, false);
  team.sync();
}

}  // namespace equipoise
