// engine/train/fitted.h - numbers that likelihoods fit on the training rows once a network is trained.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/likelihood/likelihood.h"

namespace equipoise {

/// By "<task>.<name>". `answers` are the network's of these rows, all targets' side by side: [rows, answers].
std::map<std::string, std::vector<double>> fitted_numbers(std::span<const Target> targets, const Dataset& data,
                                                          std::span<const int> rows, std::span<const float> answers);

}  // namespace equipoise
