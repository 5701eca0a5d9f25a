// host/data/feature_columns.h - which columns of a table are features, and their values by patient.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "host/data/keyed_table.h"
#include "host/text/glob.h"
#include "host/text/offenders.h"

namespace equipoise {

/// What a table is asked for.
struct FeatureRules {
  std::vector<std::string> not_features = {};  ///< names: label, group, targets
  /// Patterns (host/text/glob.h) of which features must fit one: of the view, and of all views; empty = all.
  NamePatterns columns = {}, columns_of_all = {};
  NamePatterns leave_out = {};            ///< patterns of which they may fit none
  std::vector<std::string> dropped = {};  ///< names that find_asked counts without telling them
  /// Columns of words: patterns, of which "auto" means all columns of few words; names for find_asked.
  NamePatterns categorical = {};

  bool admits(const std::string& name) const;
};

struct FeatureColumn {
  int column = 0;      ///< of the table
  bool words = false;  ///< whose cells are taken as words
};

/// All columns, or those that fit the pattern, but the id, what is learned, other id columns, `diagnostics_*`, columns
/// of dates and of text alone that are not categorical; what is left out is told. Text or numbers out of range among
/// numbers, and categorical columns of dates, go to `offenders`. Throws Error(data) where no column is left, or no
/// column fits one of the view's patterns.
std::vector<FeatureColumn> find_features(const KeyedTable& keyed, const FeatureRules& rules, Offenders& offenders,
                                         std::vector<std::string>& notices);

/// The columns of these names, in their order; whatever else the table has is told, but for what the rules name.
/// Columns that it lacks, and text among numbers, go to `offenders`.
std::vector<FeatureColumn> find_asked(const KeyedTable& keyed, std::span<const std::string> names,
                                      const FeatureRules& rules, Offenders& offenders,
                                      std::vector<std::string>& notices);

/// [rows, columns]; NaN where missing, and in all of a row that is none (-1).
std::vector<double> copy_values(const Table& table, std::span<const int> columns, std::span<const int> rows);
/// The same from a table whose numbers are needed no more, in their memory. Rows are different and none is -1; columns
/// rise.
std::vector<double> take_values(Table& table, std::span<const int> columns, std::span<const int> rows);

/// What is wrong with a cell that is neither a number nor missing.
std::string odd_cell_sentence(const Table& table, int column, const OddCell& cell);

}  // namespace equipoise
