// tests/ptx/access.h - instructions that touch memory, addresses, other lanes, or what a thread is.
#pragma once

#include <string>

#include "tests/ptx/module.h"

namespace equipoise::ptx {

/// Handlers of a load or a store whose type, elements, space and operands are set.
Handler load(const Instruction& instruction);
Handler store(const Instruction& instruction);
/// "add", "cas", "exch", "min", "max", "and", "or", "xor", "inc", "dec" on the instruction's type; null: unknown.
Handler atomic(const std::string& operation, const Instruction& instruction);
Handler fence();

/// cvta and its reverse of a space; modifier 1: to the space.
Handler convert_address();
Handler is_in_space();
/// mapa: the address of the same shared variable in another block of the cluster.
Handler map_to_block();

/// mov of a special register: modifier is its number; -1: unknown.
int special_register(const std::string& name);
Handler read_special();

/// shfl, vote, match, redux, elect, activemask by their whole names; null: unknown.
Handler between_lanes(const std::string& name);

/// "trap": a fault.
Handler trap();
Handler nothing();

}  // namespace equipoise::ptx
