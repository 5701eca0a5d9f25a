// host/data/cohort_rows.cpp - copies rows of whatever a cohort holds by patient.
#include "host/data/cohort_rows.h"

namespace equipoise {
namespace {

template <class Value>
std::vector<Value> some_rows(const std::vector<Value>& all, std::size_t columns, std::span<const int> rows) {
  std::vector<Value> some;
  some.reserve(rows.size() * columns);
  for (const int row : rows) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row) * columns);
    some.insert(some.end(), first, first + static_cast<std::ptrdiff_t>(columns));
  }
  return some;
}

}  // namespace

RawCohort rows_alone(const RawCohort& cohort, std::span<const int> rows) {
  RawCohort some;
  some.ids = some_rows(cohort.ids, 1, rows);
  for (const RawView& view : cohort.views)
    some.views.push_back({view.file, view.columns, some_rows(view.values, view.columns.size(), rows), view.categories});
  if (!cohort.label.empty()) some.label = some_rows(cohort.label, 1, rows);
  some.label_names = cohort.label_names;
  for (const RawTarget& target : cohort.targets)
    some.targets.push_back({target.file, target.likelihood, target.columns,
                            some_rows(target.values, target.columns.size(), rows), target.class_names});
  if (!cohort.groups.empty()) some.groups = some_rows(cohort.groups, 1, rows);
  some.standardised = cohort.standardised;
  some.left_out = cohort.left_out;
  some.notices = cohort.notices;
  return some;
}

}  // namespace equipoise
