// kernels/state/replica_status.h - the little of a replica's control that the host reads between the launches of a run:
// a control has 20 KB.
#pragma once

#include <cstdint>

#include "kernels/base/fn.h"
#include "kernels/state/control.h"

namespace equipoise {

struct ReplicaStatus {
  int64_t step;
  int32_t epoch;
  Status status;
};
static_assert(sizeof(ReplicaStatus) == 16);

EQ_FN ReplicaStatus status_of(const Control& k) { return {k.step, k.epoch, k.status}; }

/// True if a replica does no further step of a run that began in that epoch.
EQ_FN bool rests(const ReplicaStatus& now, int32_t first_epoch, bool stop_at_epoch_end) {
  return now.status != Status::running || (stop_at_epoch_end && now.epoch != first_epoch);
}

}  // namespace equipoise
