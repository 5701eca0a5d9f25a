// host/data/selection.h - features that a config selects, by what the training rows alone tell.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "host/data/cohort.h"
#include "host/data/preprocess.h"
#include "host/data/select/select.h"

namespace equipoise {

/// Leaves in `preprocess`, which was fitted on the same rows, the columns that the chain keeps, with their scores and
/// the names of those it drops; nothing where no method is named. Reads no other row than `train_rows`. Supervised
/// methods compare with the first task, with its first column if it has several, or else with the label; rows without
/// it take no part. `seed` is that of forests. What is kept is told in one notice. Throws as parse_select and
/// select_columns do.
void select_features(const RawCohort& cohort, std::span<const int> train_rows, const SelectConfig& wanted,
                     uint64_t seed, Preprocess& preprocess, std::vector<std::string>* notices = nullptr);

}  // namespace equipoise
