// host/data/split.h - which patients train, validate and test.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/dataset.h"

namespace equipoise {

/// Splits each class by itself in a random order that `seed` alone decides: the row's number is hashed by Philox and
/// rows are taken by rising hash, first the test rows, then the validation rows. A class of n rows gives round(n *
/// fraction) rows to each part that is asked for, but at least one, and keeps at least one for training; unlabelled
/// rows train. `label` holds -1 for unlabelled rows. Throws Error(data) when a fraction is not in [0, 1), both sum to 1
/// or more, no row is labelled while a part is asked for, or a class has fewer rows than there are parts.
Split stratified_split(const std::vector<int>& label, double validation, double test, uint64_t seed);

/// Writes id,repeat,fold rows with folds train, validation and test, in the order of `ids`. Throws Error(file_system).
void write_split_csv(const std::filesystem::path& path, const Split& split, const std::vector<std::string>& ids,
                     int repeat = 1);

/// Reads the rows of one repeat (all rows if the table has no column `repeat`). Throws Error(data), naming the first
/// five offenders, on an unknown fold, an id that is not in `ids`, an id given twice, one of `ids` without a fold, no
/// training row, or a repeat the table does not have.
Split read_split_csv(const std::filesystem::path& path, const std::vector<std::string>& ids, int repeat = 1);

}  // namespace equipoise
