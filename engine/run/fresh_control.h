// engine/run/fresh_control.h - where a replica's training begins.
#pragma once

#include "kernels/state/control.h"

namespace equipoise {

/// Control of a replica before its first step: weights as the settings say, everything else zero, no certificate yet.
Control fresh_control(const Settings& settings, int tasks, int balancers = 1);

}  // namespace equipoise
