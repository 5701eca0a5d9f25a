// tests/host/run/metric_lines.h - the metrics of a run folder in one piece.
#pragma once

#include <string>
#include <vector>

#include "host/run/run_folder.h"

namespace equipoise::testing {

inline std::vector<std::string> metrics_without_times(const RunFolder& folder) {
  std::vector<std::string> lines;
  folder.each_metric_without_time([&](std::string_view line) { lines.emplace_back(line); });
  return lines;
}

}  // namespace equipoise::testing
