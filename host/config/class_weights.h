// host/config/class_weights.h - weights of classes: from a config's words, and by the rows that train.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/systems/system.h"
#include "host/config/config.h"

namespace equipoise {

/// What is wrong with weights for the classes of these tasks, a sentence's rest after train.class_weights; "" if
/// nothing is. `tasks` names those with classes, or is {""} for those of a label; `numbers` names the others.
std::string fault_of(const ClassWeights& wanted, const std::vector<std::string>& tasks,
                     const std::vector<std::string>& numbers = {});

/// One weight a class, task after task: ones, those given, or n / (K n_k) over the n training rows that have one of the
/// task's K classes, n_k of them the class k. Throws Error(usage) if a task is not there, if numbers are given for
/// several tasks at once, if their number is not that of the classes, and if a class that is to be balanced has no
/// training row.
std::vector<float> class_weights(const ClassWeights& wanted, std::span<const TaskClasses> tasks,
                                 std::span<const int> train);

}  // namespace equipoise
