// engine/run/several_executors.h - several executors as one, such as the GPUs of a machine: each runs a range of the
// replicas, all at once.
#pragma once

#include <memory>
#include <vector>

#include "engine/run/executor.h"

namespace equipoise {

/// Deals replicas in their order, to each executor as many as to the others or one more; where there are fewer replicas
/// than executors, the last ones rest. What one of them throws reaches the caller once all have ended: of several
/// exceptions the first executor's. One executor is that executor itself. Throws Error(device) unless they can run
/// programs of one plan. Bits do not depend on how many there are.
std::unique_ptr<Executor> make_several(std::vector<std::unique_ptr<Executor>> executors);

}  // namespace equipoise
