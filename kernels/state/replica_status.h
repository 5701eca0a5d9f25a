// kernels/state/replica_status.h - the little of a replica's control that the host reads between the launches of a run:
// a control has 20 KB.
#pragma once

#include <cstdint>

#include "kernels/base/fn.h"
#include "kernels/state/control.h"

namespace equipoise {

struct ReplicaStatus {
  int64_t step;
  int64_t rests;  // 1 if the replica does no further step of the run, 0 if it goes on
};
static_assert(sizeof(ReplicaStatus) == 16);

/// True if a replica does no further step of a run of one program that began in that epoch.
EQ_FN bool rests(const Control& now, int32_t first_epoch, bool stop_at_epoch_end) {
  return now.status != Status::running || (stop_at_epoch_end && now.epoch != first_epoch);
}

}  // namespace equipoise
