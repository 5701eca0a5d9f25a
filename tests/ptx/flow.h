// tests/ptx/flow.h - what follows from a function's branches.
#pragma once

#include "tests/ptx/module.h"

namespace equipoise::ptx {

/// Sets where the paths of each branch meet again: its immediate postdominator.
/// Source: K. D. Cooper, T. J. Harvey, K. Kennedy, A Simple, Fast Dominance Algorithm, 2001, on the reversed graph.
void find_meetings(Function& function);

/// Takes from loads of vectors the elements that nobody reads: a compiler loads four where three are wanted, and what
/// lies in the fourth's place need not have been written. To be called while Operand::slot is a register's number.
void forget_unread_elements(Function& function, std::size_t registers);

/// What a slot holds: a mask over the lanes, 4 bytes a lane, or 8. Lanes that have parted use one frame, each its own
/// column, and a mask is no column: so a slot never changes its kind.
enum class Width : uint8_t { mask, narrow, wide };

/// Gives registers that are never alive together the same slots; `widths`: of the virtual registers. Before,
/// Operand::slot of a register is its number; after, its first slot.
void assign_slots(Function& function, const std::vector<Width>& widths);

}  // namespace equipoise::ptx
