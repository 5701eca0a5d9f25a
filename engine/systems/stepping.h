// engine/systems/stepping.h - a setup's training one step at a time.
#pragma once

#include "engine/run/stepper.h"
#include "engine/systems/setup.h"

namespace equipoise {

/// Both programs of a setup: a training step, and the same step laid open with the Gram matrix that the system's
/// records hold. The executor's tables and state (one replica) are loaded by the caller before the first step.
Stepper stepper_of(const Setup& setup, int batch, Pass pass, bool shuffle, Executor& executor);

}  // namespace equipoise
