// tests/host/data/select/select_columns.h - columns written out by hand, and chains that are run on them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "host/data/select/select.h"

namespace equipoise::testing {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// One view unless `view` says whose each column is.
inline SelectColumns columns_of(const std::vector<std::vector<float>>& columns, std::vector<std::size_t> view = {}) {
  SelectColumns of;
  of.rows = columns.front().size();
  of.view = view.empty() ? std::vector<std::size_t>(columns.size(), 0) : std::move(view);
  for (std::size_t v = 0; v <= *std::max_element(of.view.begin(), of.view.end()); ++v)
    of.view_names.push_back("view" + std::to_string(v) + ".csv");
  for (const std::vector<float>& column : columns) {
    of.values.insert(of.values.end(), column.begin(), column.end());
    double sum = 0, squares = 0;
    for (const float x : column) sum += x;
    for (const float x : column) squares += std::pow(x - sum / static_cast<double>(of.rows), 2);
    of.variance.push_back(squares / static_cast<double>(of.rows));
  }
  return of;
}

inline Selection run_chain(const SelectColumns& columns, const SelectOutcome& outcome,
                           const std::vector<std::string>& methods, int keep, uint64_t seed = 1) {
  return select_columns(columns, outcome, parse_select({methods, keep, "view"}, "select.methods"), seed);
}

/// What a program that was built without forests says of them; "" if it has them.
inline std::string forest_refused() {
  try {
    run_chain(columns_of({{0, 0, 0, 1, 1, 1}}), {{0, 0, 0, 1, 1, 1}, 2}, {"forest:trees=1"}, 1);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace equipoise::testing
