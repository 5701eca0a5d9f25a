// engine/base/dataset.h - prepared data as plain arrays: one or two views of each row, labels or targets, and which
// rows train.
#pragma once

#include <string>
#include <vector>

namespace equipoise {

enum class TargetKind { regression, binary, multiclass };

/// What one supervised task is to predict.
struct Target {
  std::string name;
  TargetKind kind = TargetKind::regression;
  int first_col = 0, cols = 1;  ///< in Dataset::targets; one column unless it is a regression of several outputs
  int classes = 0;              ///< of multiclass

  /// Width of the network's answer.
  int outputs() const { return kind == TargetKind::multiclass ? classes : cols; }
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
  std::vector<float> targets;  ///< [rows, target_cols]: standardised values, 0 or 1, class numbers; NaN where missing
};

/// Row numbers of each part, rising. The parts are disjoint; `test` is never used for selection.
struct Split {
  std::vector<int> train, validation, test;
};

}  // namespace equipoise
