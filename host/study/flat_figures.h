// host/study/flat_figures.h - figures of one value each: one of several parts, such as two views, is numbered.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/systems/evaluation.h"

namespace equipoise {

/// In their order; the second value of reconstruction_error is reconstruction_error.2.
inline std::vector<std::pair<std::string, double>> flat_figures(const Evaluation& evaluation) {
  std::vector<std::pair<std::string, double>> flat;
  for (const Figure& figure : evaluation.figures)
    for (std::size_t i = 0; i < figure.values.size(); ++i)
      flat.emplace_back(figure.values.size() == 1 ? figure.name : figure.name + "." + std::to_string(i + 1),
                        figure.values[i]);
  return flat;
}

/// NaN if there is none of that name.
inline double flat_figure(const Evaluation& evaluation, const std::string& name) {
  for (const auto& [known, value] : flat_figures(evaluation))
    if (known == name) return value;
  return kUndefined;
}

}  // namespace equipoise
