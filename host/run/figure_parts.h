// host/run/figure_parts.h - what the several values of a figure are of, in the user's words.
#pragma once

#include <string>
#include <vector>

#include "engine/systems/evaluation.h"
#include "host/config/config.h"

namespace equipoise {

/// A name for each value of a figure that has several: the system's own, or each view's file, with its pattern of
/// columns where it has one. Empty where one value needs no name.
std::vector<std::string> figure_parts(const Evaluation& evaluation, const Figure& figure,
                                      const std::vector<ViewSource>& views);

}  // namespace equipoise
