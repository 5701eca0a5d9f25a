// host/data/targets.h - what multi-task data is to predict: tasks named in a config, and their columns read from a
// table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/likelihood/likelihood.h"
#include "host/data/table.h"

namespace equipoise {

struct TargetSpec {
  const Likelihood* likelihood = nullptr;
  std::vector<std::string> columns;  ///< as many as the likelihood reads

  /// Of the task.
  const std::string& name() const { return columns.front(); }
};

/// Reads "likelihood:column" or "regression:column,column". `where` begins each message. Throws Error(usage) on another
/// form, an unknown likelihood, an empty column, columns too few or too many, and a column named twice.
std::vector<TargetSpec> parse_targets(std::span<const std::string> tasks, const std::string& where);

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

/// `rows` are the table's rows of `ids`, -1 where it has none. A class that is written -1 is missing, as for labels.
/// Throws Error(data) with the nearest name on a column the table lacks, and with file:line:column on text or a number
/// out of range or one that the likelihood refuses, a class more than it takes, a fractional class, and, to train on
/// (`several`), a single class.
std::vector<RawTarget> read_targets(std::span<const TargetSpec> specs, const Table& table,
                                    const std::vector<std::string>& ids, const std::vector<int>& rows,
                                    bool several = true);

/// Class numbers to stratify by: of the first target that gives strata, -1 where missing; without one, 0 where any
/// target is known and -1 elsewhere.
std::vector<int> strata(std::span<const RawTarget> targets, size_t rows);

/// What is wrong with a cell that should be a number or missing, "" if nothing.
std::string number_fault(const Table& table, int row, int column);

}  // namespace equipoise
