// host/data/strata.cpp - refuses classes too small to be in every part, by their own text.
#include "host/data/strata.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "engine/base/error.h"
#include "host/text/first_names.h"
#include "host/text/nearest_name.h"

namespace equipoise {

std::string Strata::name(int stratum) const {
  const auto k = static_cast<size_t>(stratum);
  return k < names.size() ? names[k] : std::to_string(stratum);
}

namespace {

/// The classes that have fewer rows than they need, and how to say so.
struct ShortClasses {
  std::vector<std::string> few;  // "the class 'a' of 'died' has 2 rows"
  std::vector<std::string> all;  // "a (2)"
  std::string misspelt;          // "is 'a' meant for 'b'? else ", of a class of one row, or ""
  size_t least = 0;              // rows of the smallest class
};

ShortClasses short_classes(const Strata& strata, const std::map<int, size_t>& rows, size_t needed) {
  const std::string of = strata.column.empty() ? "" : fmt::format(" of '{}'", strata.column);
  ShortClasses classes;
  std::vector<std::string> others;
  std::string single;
  for (const auto& [k, count] : rows) {
    if (k == strata.rest) continue;
    classes.least = classes.all.empty() ? count : std::min(classes.least, count);
    classes.all.push_back(fmt::format("{} ({})", strata.name(k), count));
    if (count < needed)
      classes.few.push_back(fmt::format("the class '{}'{} has {} row{}", strata.name(k), classes.few.empty() ? of : "",
                                        count, count == 1 ? "" : "s"));
    if (count == 1 && single.empty()) single = strata.name(k);
    else others.push_back(strata.name(k));
  }
  if (const auto meant = single.empty() ? std::nullopt : nearest_name(single, others))
    classes.misspelt = fmt::format("is '{}' meant for '{}'? else ", single, *meant);
  return classes;
}

std::map<int, size_t> rows_of_strata(const Strata& strata) {
  std::map<int, size_t> rows;
  for (const int k : strata.of_row)
    if (k >= 0) ++rows[k];
  return rows;
}

}  // namespace

void expect_rows_for_parts(const Strata& strata, double validation, double test) {
  std::vector<std::string> parts{"train"};
  if (validation > 0) parts.emplace_back("validation");
  if (test > 0) parts.emplace_back("test");
  if (parts.size() == 1) return;
  const std::map<int, size_t> rows = rows_of_strata(strata);
  if (rows.empty())
    throw Error(ExitCode::data,
                "no row is labelled, so none can validate or test; set data.validation and data.test to 0");
  const ShortClasses classes = short_classes(strata, rows, parts.size());
  if (classes.few.empty()) return;
  throw Error(
      ExitCode::data,
      fmt::format("{} for {} parts ({}); all classes: {}; {}join {} with another class, or set data.validation or "
                  "data.test to 0",
                  first_names(classes.few), parts.size(), fmt::join(parts, ", "), first_names(classes.all),
                  classes.misspelt, classes.few.size() == 1 ? "it" : "each"));
}

void expect_rows_for_folds(const Strata& strata, int folds) {
  const std::map<int, size_t> rows = rows_of_strata(strata);
  size_t labelled = 0;
  for (const auto& [k, count] : rows) labelled += count;
  if (labelled < static_cast<size_t>(folds))
    throw Error(ExitCode::data, fmt::format("{} labelled row{} cannot fill {} folds; ask for fewer folds", labelled,
                                            labelled == 1 ? "" : "s", folds));
  const ShortClasses classes = short_classes(strata, rows, static_cast<size_t>(folds));
  if (classes.few.empty()) return;
  throw Error(ExitCode::data,
              fmt::format("{} for {} folds; all classes: {}; {}join {} with another class{}", first_names(classes.few),
                          folds, first_names(classes.all), classes.misspelt, classes.few.size() == 1 ? "it" : "each",
                          classes.least < 2 ? "" : fmt::format(", or ask for at most {} folds", classes.least)));
}

}  // namespace equipoise
