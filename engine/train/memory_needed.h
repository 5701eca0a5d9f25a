// engine/train/memory_needed.h - how much of a machine's memory a program takes, estimated from its sizes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/dataset.h"
#include "engine/lower/program.h"

namespace equipoise {

/// Bytes of a program that runs, on one thread: its scratch, and the state of the replicas with a copy.
int64_t running_bytes(const Program& program, std::size_t replicas = 1);

/// Bytes of a training, without its data: a step, a checkpoint of one replica that is written, or of several an
/// evaluation of their best states, whichever takes most. Of a training on a GPU the host needs no less.
int64_t training_bytes(const Program& program, std::size_t replicas = 1);

/// Bytes of a data set while it is made ready and trained on.
int64_t data_bytes(const Dataset& data);

}  // namespace equipoise
