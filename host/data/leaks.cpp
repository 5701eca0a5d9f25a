// host/data/leaks.cpp - by the names of features, and by what their levels tell of the classes.
#include "host/data/leaks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "host/text/glob.h"
#include "host/text/lower_case.h"
#include "host/text/nearest_name.h"
#include "host/text/offenders.h"

namespace equipoise {
namespace {

constexpr size_t kLevelsPerClass = 2;

/// Without case and blanks.
std::string bare_name(std::string_view name) {
  std::string bare = lower_case(name);
  std::erase_if(bare, [](char c) { return c == ' ' || c == '\t'; });
  return bare;
}

/// Classes of one column.
struct Answer {
  std::string column;
  std::vector<int> of_row;  // [rows], -1 where missing
  size_t classes;
};

std::vector<Answer> answers_of(const RawCohort& cohort, const std::string& label) {
  std::vector<Answer> answers;
  if (!cohort.label_names.empty()) answers.push_back({label, cohort.label, cohort.label_names.size()});
  for (const RawTarget& target : cohort.targets) {
    if (target.class_names.empty()) continue;
    Answer answer{target.name(), {}, target.class_names.size()};
    for (const double value : target.values) answer.of_row.push_back(std::isnan(value) ? -1 : static_cast<int>(value));
    answers.push_back(std::move(answer));
  }
  return answers;
}

struct Match {
  size_t levels, rows;
  double log_chance;  // natural
};

/// Nothing unless every level lies in one class.
std::optional<Match> match(const RawView& view, size_t column, const Answer& answer, std::span<const int> train_rows) {
  std::map<double, int> class_of;  // by level
  std::vector<size_t> of_class(answer.classes, 0);
  size_t rows = 0;
  for (const int row : train_rows) {
    const double level = view.values[static_cast<size_t>(row) * view.columns.size() + column];
    const int k = answer.of_row[static_cast<size_t>(row)];
    if (std::isnan(level) || k < 0) continue;
    const auto [known, added] = class_of.emplace(level, k);
    if (known->second != k || class_of.size() > kLevelsPerClass * answer.classes) return std::nullopt;
    ++of_class[static_cast<size_t>(k)];
    ++rows;
  }
  const auto classes =
      static_cast<size_t>(std::count_if(of_class.begin(), of_class.end(), [](size_t n) { return n > 0; }));
  if (classes < 2) return std::nullopt;
  // Each level goes to one of the classes: classes^levels maps, of which those that fill the classes are fewer.
  double chance = static_cast<double>(class_of.size()) * std::log(static_cast<double>(classes));
  for (const size_t n : of_class) chance += std::lgamma(static_cast<double>(n) + 1);
  chance -= std::lgamma(static_cast<double>(rows) + 1);
  return Match{class_of.size(), rows, std::min(chance, 0.0)};
}

void expect_patterns_of_use(const RawCohort& cohort, const LeakRules& rules) {
  std::vector<std::string> all;
  for (const RawView& view : cohort.views) all.insert(all.end(), view.columns.begin(), view.columns.end());
  if (const NamePatterns allow(rules.allow); const std::string* unfit = allow.without_name(all))
    throw Error(ExitCode::usage,
                fmt::format("data.allow: no feature fits '{}'; {}", *unfit, did_you_mean(*unfit, all)));
}

}  // namespace

void expect_no_leaks(const RawCohort& cohort, std::span<const int> train_rows, const LeakRules& rules,
                     std::vector<std::string>& notices) {
  expect_patterns_of_use(cohort, rules);
  std::vector<std::string> names{"label", "target", "outcome", "id"};
  names.insert(names.end(), rules.names.begin(), rules.names.end());
  const std::vector<Answer> answers = answers_of(cohort, rules.names.empty() ? "label" : rules.names.front());
  size_t tested = 0;
  for (const RawView& view : cohort.views) tested += view.columns.size() * answers.size();
  const NamePatterns allow(rules.allow);
  Offenders offenders;
  for (const RawView& view : cohort.views)
    for (size_t c = 0; c < view.columns.size(); ++c) {
      const std::string& column = view.columns[c];
      if (allow.fit(column)) continue;
      const auto alike = std::find_if(names.begin(), names.end(),
                                      [&](const std::string& name) { return bare_name(name) == bare_name(column); });
      if (alike != names.end()) {
        offenders.add(
            fmt::format("{}: the feature '{}' is named like '{}', and may be what is to be predicted; remove "
                        "the column, or let it in by data.allow = [\"{}\"]",
                        view.file, column, *alike, column));
        continue;
      }
      for (const Answer& answer : answers) {
        const std::optional<Match> found = match(view, c, answer, train_rows);
        if (!found) continue;
        const double log_chance = std::min(0.0, found->log_chance + std::log(static_cast<double>(tested)));
        if (log_chance < std::log(kLeakByChance))
          offenders.add(
              fmt::format("{}: the {} levels of the feature '{}' tell the class of '{}' in all {} training "
                          "rows that know both, by chance in 1e{:.0f} of all cases; remove the column, or "
                          "let it in by data.allow = [\"{}\"]",
                          view.file, found->levels, column, answer.column, found->rows,
                          std::floor(log_chance / std::log(10.0)), column));
        else if (log_chance < std::log(kLeakWorthTelling))
          notices.push_back(
              fmt::format("{}: the {} levels of the feature '{}' tell the class of '{}' in all {} training "
                          "rows that know both; of so few rows this may be chance ({:.2g})",
                          view.file, found->levels, column, answer.column, found->rows, std::exp(log_chance)));
        if (log_chance < 0) break;
      }
    }
  offenders.refuse(ExitCode::data);
}

}  // namespace equipoise
