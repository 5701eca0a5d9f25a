// engine/run/cpu_interpreter.h - the interpreter for a team of one CPU thread, whose operations are compiled once, in
// cpu_interpreter.cpp.
#pragma once

#include "kernels/run/interpreter.h"
#include "kernels/teams/host_team.h"

namespace equipoise {

#define EQ_EXTERN(tag, Struct) \
  extern template void run_operation(const SerialTeam&, const Context&, const Struct&, int);
EQ_OPERATIONS(EQ_EXTERN)
#undef EQ_EXTERN

}  // namespace equipoise
