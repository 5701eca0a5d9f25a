// host/data/split_table.h - a split that a table gives: one of its repeats, by named parts or by one of k folds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/dataset.h"
#include "host/data/folds.h"
#include "host/data/strata.h"
#include "host/data/table/table.h"

namespace equipoise {

struct SplitChoice {
  std::optional<int> repeat = {};          ///< of several in the table
  std::optional<std::string> fold = {};    ///< of k folds the one that tests
  double validation = 0;                   ///< share of the other folds' rows that validates
  uint64_t seed = 1;                       ///< of these rows
  std::vector<std::string> left_out = {};  ///< patients that the table may name and the data do not have, rising
  std::optional<InnerFold> inner = {};     ///< of the other folds' rows the fold that validates, in place of the share
};

/// Reads the id,repeat,fold rows of a table whose text is kept (repeat may lack). Folds are train, validation and test;
/// or k folds of any other names, of which `choice.fold` tests, and of the others' rows a share or an inner fold
/// validates, stratified and by whole groups. Beside k folds the name train is that of rows that train whatever fold
/// tests. `groups` is [ids], or empty. Throws Error(data) as split_of_table does, and where the table has several
/// repeats or k folds and none is chosen, or what is chosen is not in the table, each time with the names there are;
/// and as expect_whole_groups does.
Split read_split_table(const Table& table, const std::vector<std::string>& ids, const Strata& strata,
                       const std::vector<std::string>& groups, const SplitChoice& choice,
                       std::vector<std::string>& notices);

}  // namespace equipoise
