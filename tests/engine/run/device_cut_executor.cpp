// tests/engine/run/device_cut_executor.cpp - every operation for a team of host threads, cut as for a GPU.
#include "tests/engine/run/team_executor.h"

namespace equipoise {

#define EQ_INSTANCE(tag, Struct) \
  template void run_operation(const HostTeamOf<DeviceCut>&, const Context&, const Struct&, int);
EQ_OPERATIONS(EQ_INSTANCE)
#undef EQ_INSTANCE

}  // namespace equipoise
