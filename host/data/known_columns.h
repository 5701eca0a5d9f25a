// host/data/known_columns.h - features of which the training rows know no value cannot be imputed or scaled.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "host/data/cohort.h"

namespace equipoise {

/// Takes out of the views the features without a value in any of `train_rows`, and tells them. Throws Error(data) where
/// a view has no other.
void leave_out_unknown(RawCohort& cohort, std::span<const int> train_rows, std::vector<std::string>& notices);

}  // namespace equipoise
