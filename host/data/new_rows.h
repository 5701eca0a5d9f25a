// host/data/new_rows.h - rows that a trained model has not seen: which it can answer, and what about them is told.
#pragma once

#include <string>
#include <vector>

#include "host/data/preprocess.h"

namespace equipoise {

/// Deviations from the training rows' mean beyond which a value is told.
inline constexpr double kFar = 10;

/// Rows of the cohort with a value in every view, or, of a model that was trained on imputed views, in any; rising. Of
/// the others a model can say nothing.
std::vector<int> answerable_rows(const RawCohort& cohort, bool impute_empty);

/// Sentences: of each view how many values are missing and take the training rows' median, and of single values that
/// lie more than kFar deviations from the training rows' mean, after their transform, the first five and how many more.
std::vector<std::string> told_of(const RawCohort& cohort, const Preprocess& preprocess);

}  // namespace equipoise
