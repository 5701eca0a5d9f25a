// host/data/targets.h - what multi-task data is to predict: tasks named in a config, and their columns read from a
// table.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/likelihood/likelihood.h"
#include "host/data/strata.h"
#include "host/data/table/table.h"

namespace equipoise {

struct TargetSpec {
  const Likelihood* likelihood = nullptr;
  std::vector<std::string> columns;  ///< as many as the likelihood reads
  std::string whole = "";  ///< what is written without quotes and with a comma: perhaps the name of one column

  /// Of the task.
  const std::string& name() const { return columns.front(); }
};

/// Reads "likelihood:column" or "regression:column,column"; a name may stand in double quotes, as in CSV, and must
/// where it has a comma and is not the only one. `where` begins each message. Throws Error(usage) on another form, an
/// unknown likelihood, an empty column, columns too few or too many (where resolve_columns has not to look), and a
/// column named twice.
std::vector<TargetSpec> parse_targets(std::span<const std::string> tasks, const std::string& where);

/// Takes what is written with commas for the one column of that name, if it is among the table's `names`. Throws
/// Error(usage) on what are then too many columns, or one named twice.
void resolve_columns(std::vector<TargetSpec>& specs, std::span<const std::string> names);

/// A task's column or columns, joined to the patients.
struct RawTarget {
  std::string file;
  const Likelihood* likelihood = nullptr;
  std::vector<std::string> columns;
  std::vector<double> values;                 ///< [ids, columns]: numbers, or indices of class_names; NaN where missing
  std::vector<std::string> class_names = {};  ///< of a target of classes, rising as labels are

  const std::string& name() const { return columns.front(); }
  /// Whether a patient has any of its numbers.
  bool known(size_t row) const;
};

/// How classes among the targets are read.
struct TargetRules {
  std::optional<std::vector<std::string>> unlabelled = {};  ///< ClassRules
  std::map<std::string, std::string> positive = {};         ///< by task
  bool several = true;                                      ///< ClassRules
};

/// `rows` are the table's rows of `ids`, -1 where it has none. The classes of each task are counted in `notices`.
/// Throws Error(data) with the nearest name on a column the table lacks, and with file:line:column on text or a number
/// out of range or one that the likelihood refuses, a class more than it takes, a fractional class, and, to train on
/// (`several`), a single class.
std::vector<RawTarget> read_targets(std::span<const TargetSpec> specs, const Table& table,
                                    const std::vector<std::string>& ids, const std::vector<int>& rows,
                                    const TargetRules& rules = {}, std::vector<std::string>* notices = nullptr);

/// What to stratify by: the first target that gives strata; rows without it that know another target are the rest.
/// Without such a target all rows that know one are a stratum. Rows that know none train.
Strata strata(std::span<const RawTarget> targets, size_t rows);

/// What is wrong with a cell that should be a number or missing, "" if nothing.
std::string number_fault(const Table& table, int row, int column);

/// Task names, likelihoods and places in Dataset::targets.
std::vector<Target> tasks_of(const std::vector<FittedTarget>& targets);

}  // namespace equipoise
