// engine/run/cpu_interpreter.cpp - every operation for a team of one CPU thread.
#include "engine/run/cpu_interpreter.h"

namespace equipoise {

#define EQ_INSTANCE(tag, Struct) template void run_operation(const SerialTeam&, const Context&, const Struct&, int);
EQ_OPERATIONS(EQ_INSTANCE)
#undef EQ_INSTANCE

}  // namespace equipoise
