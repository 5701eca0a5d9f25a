// engine/run/launch_data.h - from a program and the host's arrays to the launch that the interpreter is given. For
// executors.
#pragma once

#include "engine/run/executor.h"
#include "kernels/program/launch.h"

namespace equipoise {

/// A launch of a program's host-side arrays; pointers to data are filled in by the executor.
Launch launch_of(const Program& program, const RunLimits& limits);

}  // namespace equipoise
