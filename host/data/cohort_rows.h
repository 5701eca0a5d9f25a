// host/data/cohort_rows.h - some rows of a cohort as a cohort of their own.
#pragma once

#include <span>

#include "host/data/cohort.h"

namespace equipoise {

/// The rows of these numbers, in that order, with everything else as it is.
RawCohort rows_alone(const RawCohort& cohort, std::span<const int> rows);

}  // namespace equipoise
