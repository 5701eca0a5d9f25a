// host/data/empty_views.h - patients whose row of a table holds no value: they have no such view.
#pragma once

#include <functional>

#include "host/data/cohort.h"

namespace equipoise {

/// Whether a patient has any value in a view.
bool has_value(const RawView& view, std::size_t row);

/// Of a cohort whose ids and views are read, and nothing else, takes out the patients without a value in any view, and
/// unless `spec.impute_empty` those without one in some view. All are told, of each view the first five, and so are
/// those whose empty view is imputed; `cohort.left_out` gets the ids. Patients of `spec.kept` stay. Throws Error(data)
/// where a view has no value at all, or no patient is left.
void leave_out_empty(const CohortSpec& spec, RawCohort& cohort);

/// Runs a stage of reading; where it throws Error(data), which may be due to the patients that were left out, these are
/// told with it.
void with_left_out_told(const std::vector<std::string>& left_out, const std::function<void()>& stage);

}  // namespace equipoise
