// tests/engine/run/team_executor.cpp - every operation for a team of host threads, cut as for a CPU.
#include "tests/engine/run/team_executor.h"

namespace equipoise {

#define EQ_INSTANCE(tag, Struct) template void run_operation(const HostTeam&, const Context&, const Struct&, int);
EQ_OPERATIONS(EQ_INSTANCE)
#undef EQ_INSTANCE

}  // namespace equipoise
