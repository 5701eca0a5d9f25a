// engine/train/dead_layers.h - layers of which nothing comes through any more.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/run/executor.h"
#include "engine/systems/setup.h"

namespace equipoise {

/// By replica, the names of the relu layers of which no unit is positive on any of its training rows, which are those
/// that its settings say; of a replica without rows, none. Such a layer passes no signal forward and no gradient back.
/// The executor holds tables_of(system, ...) and the state of the replicas. A layer that lives is found by the first
/// few rows; a dead one takes an evaluation of all.
std::vector<std::vector<std::string>> dead_layers(const Setup& setup, std::span<const Settings> replicas,
                                                  Executor& executor);

}  // namespace equipoise
