// host/data/folds.h - which fold of a cross-validation each row tests in, and the table that says so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/strata.h"
#include "host/data/table/table.h"

namespace equipoise {

/// The fold of rows that train whatever fold tests: a word in tables, a number in lists.
inline constexpr std::string_view kAlwaysTrains = "train";
inline constexpr int kTrainsInAll = -1;
inline constexpr int kMostFolds = 100;

/// The fold of each row, 0 to folds - 1, or kTrainsInAll of stratum -1. Each class's rows are shuffled by Philox draws
/// of (seed, repeat, row) and dealt to the folds in turn, each class from where the last one ended and the rest at the
/// end: a class's rows in two folds differ by one at most, and so do the folds' sizes. Repeats count from 1; none
/// shares a draw with another, nor with a split by shares. Throws Error(data) for fewer than 2 folds and as
/// expect_rows_for_folds does.
std::vector<int> stratified_folds(const Strata& strata, int folds, uint64_t seed, int repeat);

/// The same with whole groups, dealt as grouped_split deals them with equal shares. `groups` [rows]; "" = a group of
/// its own. Rows of stratum -1 go with their group; a group of such rows alone trains in all. What each fold has is
/// told in `notices`. Throws too for fewer groups than folds, and where every order leaves a class in a single fold,
/// without a row to train on when that one tests.
std::vector<int> grouped_folds(const Strata& strata, const std::vector<std::string>& groups, int folds, uint64_t seed,
                               int repeat, std::vector<std::string>& notices);

/// The columns id, repeat and fold as text, a repeat after the other; repeats and folds count from 1, and rows that
/// train in all have the fold kAlwaysTrains. `folds_of_repeats` [repeats][ids].
std::string folds_csv(const std::vector<std::vector<int>>& folds_of_repeats, const std::vector<std::string>& ids);
/// The same into a file. Throws Error(file_system).
void write_folds_csv(const std::filesystem::path& path, const std::vector<std::vector<int>>& folds_of_repeats,
                     const std::vector<std::string>& ids);

/// Every repeat and fold that a table of k folds has.
struct FoldTable {
  std::vector<int> repeats;        ///< rising; {1} of a table without the column
  std::vector<std::string> folds;  ///< sorted as classes are, without kAlwaysTrains; as data.fold takes them
};

/// Throws Error(data) where a column lacks, on a repeat that is no whole number and a cell without a fold (the first
/// five), on folds named validation or test, on fewer than two folds, and on a repeat without a row in one of them.
FoldTable folds_of_table(const Table& table);

/// One of several inner folds, as data.inner_fold says it: "2/5" is the second of five.
struct InnerFold {
  int number = 1;  ///< from 1
  int of = 2;      ///< 2 to kMostFolds

  bool operator==(const InnerFold&) const = default;
};

/// Nothing where the text is of another form or names a fold that there is not.
std::optional<InnerFold> inner_fold_of(std::string_view text);

}  // namespace equipoise
