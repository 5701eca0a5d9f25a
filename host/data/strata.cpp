// host/data/strata.cpp - refuses classes too small to be in every part, by their own text.
#include "host/data/strata.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "engine/base/error.h"
#include "host/text/first_names.h"
#include "host/text/nearest_name.h"

namespace equipoise {

std::string Strata::name(int stratum) const {
  const auto k = static_cast<size_t>(stratum);
  return k < names.size() ? names[k] : std::to_string(stratum);
}

void expect_rows_for_parts(const Strata& strata, double validation, double test) {
  std::vector<std::string> parts{"train"};
  if (validation > 0) parts.emplace_back("validation");
  if (test > 0) parts.emplace_back("test");
  if (parts.size() == 1) return;
  std::map<int, size_t> rows;
  for (const int k : strata.of_row)
    if (k >= 0) ++rows[k];
  if (rows.empty())
    throw Error(ExitCode::data,
                "no row is labelled, so none can validate or test; set data.validation and data.test to 0");
  const std::string of = strata.column.empty() ? "" : fmt::format(" of '{}'", strata.column);
  std::vector<std::string> few, all, others;
  std::string single;
  for (const auto& [k, count] : rows) {
    if (k == strata.rest) continue;
    all.push_back(fmt::format("{} ({})", strata.name(k), count));
    if (count < parts.size())
      few.push_back(fmt::format("the class '{}'{} has {} row{}", strata.name(k), few.empty() ? of : "", count,
                                count == 1 ? "" : "s"));
    if (count == 1 && single.empty()) single = strata.name(k);
    else others.push_back(strata.name(k));
  }
  if (few.empty()) return;
  const auto meant = single.empty() ? std::nullopt : nearest_name(single, others);
  throw Error(
      ExitCode::data,
      fmt::format("{} for {} parts ({}); all classes: {}; {}join {} with another class, or set data.validation or "
                  "data.test to 0",
                  first_names(few), parts.size(), fmt::join(parts, ", "), first_names(all),
                  meant ? fmt::format("is '{}' meant for '{}'? else ", single, *meant) : "",
                  few.size() == 1 ? "it" : "each"));
}

}  // namespace equipoise
