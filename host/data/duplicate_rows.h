// host/data/duplicate_rows.h - patients whose rows are the same: where one of them is held out, the other may train.
#pragma once

#include <string>

#include "host/data/cohort.h"

namespace equipoise {

/// A sentence that names pairs of patients with the same values in every view, the first three, and counts them; ""
/// where there is none. Missing values are the same as each other.
std::string tell_duplicates(const RawCohort& cohort);

}  // namespace equipoise
