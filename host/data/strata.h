// host/data/strata.h - what a split keeps the shares of: the classes of one column.
#pragma once

#include <string>
#include <vector>

namespace equipoise {

struct Strata {
  std::vector<int> of_row;              ///< [rows], -1 of rows that train whatever is asked for
  std::vector<std::string> names = {};  ///< of the strata, as the data write the classes; {} = their numbers
  std::string column = "";              ///< whose classes they are; "" = rows are not told apart by classes
  int rest = -1;  ///< the stratum of rows without a class, the last one, of which no part needs a row; -1: none

  std::string name(int stratum) const;
};

/// Throws Error(data) where a class has fewer rows than there are parts, or no row is in a stratum. All such classes
/// are named, with the count of every class, and what one of a single row may be misspelt for.
void expect_rows_for_parts(const Strata& strata, double validation, double test);
/// The same of k folds, each of which is to test once.
void expect_rows_for_folds(const Strata& strata, int folds);

}  // namespace equipoise
