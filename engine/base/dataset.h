// engine/base/dataset.h - prepared data as plain arrays: one or several views of each row, labels or targets, and which
// rows train.
#pragma once

#include <string>
#include <vector>

namespace equipoise {

class Likelihood;  // engine/likelihood/likelihood.h

/// What one supervised task is to predict.
struct Target {
  std::string name;
  const Likelihood* likelihood = nullptr;  ///< never null in a data set
  int first_col = 0, cols = 1;             ///< in Dataset::targets
  int classes = 0;                         ///< where the likelihood leaves their number open, else 0

  bool operator==(const Target&) const = default;
};

/// Rows are patients in the order of their ids, whatever order the files had.
struct Dataset {
  int rows = 0;
  int classes = 0;                        ///< number of label values; 0 without labels
  std::vector<std::string> ids;           ///< [rows], rising
  std::vector<int> features;              ///< [views] columns of each view
  std::vector<std::vector<float>> views;  ///< per view [rows, features[view]], imputed and standardised
  std::vector<int> label;                 ///< [rows], 0..classes-1, or -1 where unlabelled
  std::vector<Target> tasks;              ///< of multi-task data, else empty
  int target_cols = 0;
  std::vector<float>
      targets;  ///< [rows, target_cols]: values as their likelihood has them, class numbers; NaN where missing
};

/// Row numbers of each part, rising. The parts are disjoint; `test` is never used for selection.
struct Split {
  std::vector<int> train, validation, test;
};

enum class Part { train, validation, test };

/// Rows of a part, rising.
inline const std::vector<int>& rows_of(const Split& split, Part part) {
  return part == Part::train ? split.train : part == Part::validation ? split.validation : split.test;
}
/// Where a part begins in a list of all of them, one after another.
inline int first_of(const Split& split, Part part) {
  std::size_t first = 0;
  for (const Part before : {Part::train, Part::validation})
    if (before < part) first += rows_of(split, before).size();
  return static_cast<int>(first);
}

}  // namespace equipoise
