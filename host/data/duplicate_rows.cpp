// host/data/duplicate_rows.cpp - finds rows that are there twice.
#include "host/data/duplicate_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <vector>

namespace equipoise {

std::string tell_duplicates(const RawCohort& cohort) {
  std::map<std::vector<double>, std::string> seen;
  std::vector<std::string> pairs;
  for (std::size_t row = 0; row < cohort.ids.size(); ++row) {
    std::vector<double> values;
    for (const RawView& view : cohort.views) {
      const auto first = view.values.begin() + static_cast<std::ptrdiff_t>(row * view.columns.size());
      values.insert(values.end(), first, first + static_cast<std::ptrdiff_t>(view.columns.size()));
    }
    for (double& value : values)
      if (value != value) value = std::numeric_limits<double>::lowest();  // equal to itself
    const auto [same, is_new] = seen.emplace(std::move(values), cohort.ids[row]);
    if (!is_new) pairs.push_back(fmt::format("'{}' and '{}'", same->second, cohort.ids[row]));
  }
  if (pairs.empty()) return "";
  std::string told = pairs[0];
  for (std::size_t i = 1; i < std::min<std::size_t>(pairs.size(), 3); ++i) told += ", " + pairs[i];
  return fmt::format(
      "{} {} of patients have the same values in every view ({}{}): where one of them is held out, "
      "the other may train; name a data.group, or drop one",
      pairs.size(), pairs.size() == 1 ? "pair" : "pairs", told, pairs.size() > 3 ? ", ..." : "");
}

}  // namespace equipoise
