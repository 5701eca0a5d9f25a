// host/data/split.h - which patients train, validate and test.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/dataset.h"
#include "host/data/strata.h"
#include "host/data/table/table.h"

namespace equipoise {

/// Splits each stratum by itself in a random order that `seed` alone decides: the row's number is hashed by Philox and
/// rows are taken by rising hash, first the test rows, then the validation rows. A class of n rows gives round(n *
/// fraction) rows to each part that is asked for, but at least one, and keeps at least one for training; the rest, rows
/// without a class, gives what is lacking to round(all * fraction). Rows of stratum -1 train. Throws Error(data) when a
/// fraction is not in [0, 1), both sum to 1 or more, and as expect_rows_for_parts does.
Split stratified_split(const Strata& strata, double validation, double test, uint64_t seed);
/// The same of classes that have numbers alone, -1 for unlabelled rows.
Split stratified_split(const std::vector<int>& label, double validation, double test, uint64_t seed);

/// Throws Error(data) as above.
void expect_shares(double validation, double test);
/// A number as good as random for each row; part of what a seed means.
uint64_t split_key(uint64_t seed, int row);

/// Writes id,repeat,fold rows with folds train, validation and test, in the order of `ids`. Throws Error(file_system).
void write_split_csv(const std::filesystem::path& path, const Split& split, const std::vector<std::string>& ids,
                     int repeat = 1);

/// Reads the rows of one repeat of a table with the folds train, validation and test (all rows if the table has no
/// column `repeat`). Throws Error(data), naming the first five offenders, on an unknown fold, an id that is not in
/// `ids`, an id given twice, one of `ids` without a fold, no training row, or a repeat the table does not have. Rows of
/// patients in `left_out`, which rises, are passed over.
Split split_of_table(const Table& table, const std::vector<std::string>& ids, int repeat,
                     const std::vector<std::string>& left_out = {});
/// Of a file.
Split read_split_csv(const std::filesystem::path& path, const std::vector<std::string>& ids, int repeat = 1);
/// The patients that such a file names, rising. Throws Error(data) where it has no column `id`.
std::vector<std::string> ids_of_split(const std::filesystem::path& path);

}  // namespace equipoise
