// engine/dataset.h - prepared two-view data as plain arrays, and which rows train.
#pragma once

#include <string>
#include <vector>

namespace equipoise {

/// Rows are patients in the order of their ids, whatever order the files had.
struct Dataset {
  int rows = 0;
  int classes = 0;                        ///< number of label values; 0 without labels
  std::vector<std::string> ids;           ///< [rows], rising
  std::vector<int> features;              ///< [views] columns of each view
  std::vector<std::vector<float>> views;  ///< per view [rows, features[view]], imputed and standardised
  std::vector<int> label;                 ///< [rows], 0..classes-1, or -1 where unlabelled
};

/// Row numbers of each part, rising. The parts are disjoint; `test` is never used for selection.
struct Split {
  std::vector<int> train, validation, test;
};

}  // namespace equipoise
