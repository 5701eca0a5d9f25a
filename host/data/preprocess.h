// host/data/preprocess.h - imputation and scaling, fitted on the training rows alone.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/dataset.h"
#include "host/data/cohort.h"

namespace equipoise {

/// What a method of selection said of the columns that were kept in the end.
struct SelectedBy {
  std::string method;         ///< as it was written
  std::vector<double> score;  ///< [columns]

  bool operator==(const SelectedBy&) const = default;
};

/// A column of words of a table, and the words that stand in training rows (host/data/categories.h).
struct FittedCategory {
  std::string column;
  std::vector<std::string> levels;

  bool operator==(const FittedCategory&) const = default;
};

/// What was fitted on one view; each vector has one entry per column, but for `categories` and `dropped`.
struct FittedView {
  std::vector<std::string> columns;         ///< those that take the place of columns of words among them
  std::vector<double> median;               ///< takes the place of a missing value
  std::vector<double> mean;                 ///< of the training rows after imputation
  std::vector<double> scale;                ///< their population standard deviation; 1 for a constant column
  std::vector<std::string> transform = {};  ///< done to values before all that; "" = none; {} = none anywhere
  std::vector<double> low = {}, high = {};  ///< values beyond are taken for these, before all else; {} = none are
  std::vector<SelectedBy> selected = {};    ///< by each method in turn; {} = nothing was selected
  std::vector<std::string> dropped = {};    ///< names of the columns that selection left out, in their order
  std::vector<FittedCategory> categories = {};
  // Counts of training rows by column, for people; {} = not known.
  std::vector<int> missing = {};  ///< without a value: the median stands there
  std::vector<int> far = {};      ///< with an outlier (host/data/outliers.h), clipped where `low` and `high` are

  /// A number of this column as the network has it, in the data's units.
  double in_units(double scaled, std::size_t column) const;

  bool operator==(const FittedView&) const = default;
};

struct Preprocess {
  std::vector<FittedView> views;
  std::vector<std::string> label_names;            ///< class numbers of the training data; empty without labels
  std::vector<FittedTarget> targets;               ///< of multi-task data
  int train_rows = 0;                              ///< on which it was fitted; 0 = not known
  std::vector<std::vector<int>> far_targets = {};  ///< as FittedView::far, of each target; {} = not known
  std::vector<std::string> left_out = {};          ///< patients that an empty view left out (host/data/empty_views.h)

  bool operator==(const Preprocess&) const = default;
};

/// Fits on the rows of `train_rows` (numbers of rows, rising) and on nothing else. Sums run over those rows in that
/// order. Constant columns are told in `notices` if it is given, those of a view in one sentence. Missing values of a
/// target take no part in its fit. What is not standardised gets mean 0 and scale 1. Throws Error(data) when there is
/// no training row, a column or target has no value in any of them, or its values are too large to average.
/// `transforms` say which features are transformed first: a pattern of names (host/text/glob.h), and a name of
/// host/data/transform.h. Throws Error(data), too, for a pattern that no feature fits, a feature that fits two, and a
/// value for which the function is not defined.
Preprocess fit_preprocess(const RawCohort& cohort, std::span<const int> train_rows,
                          std::vector<std::string>* notices = nullptr,
                          const std::map<std::string, std::string>& transforms = {});

/// Throws Error(usage) if these patterns do not transform the cohort's features as the fit does.
void expect_transforms(const RawCohort& cohort, const Preprocess& preprocess,
                       const std::map<std::string, std::string>& transforms);

/// (value - mean) / scale in double, rounded to float32. Columns are matched by name, classes by label name, targets by
/// their order; columns the fit did not know are told in `notices` if it is given. A cohort without targets gets NaN in
/// those of the fit. Throws Error(data) when the number
/// of views or the targets differ, a column or class is missing (with the nearest name), or a value is too far from the
/// training rows for float32.
Dataset apply(const RawCohort& cohort, const Preprocess& preprocess, std::vector<std::string>* notices = nullptr);

/// The text of preprocess.json; numbers are written so that they read back to the same bits.
std::string to_json(const Preprocess& preprocess);

/// Reads it back. `file` names it in errors. Throws Error(checkpoint) on anything to_json could not have written.
Preprocess preprocess_from_json(std::string_view text, const std::string& file);
/// Bytes of the file; a million columns take fewer.
inline constexpr std::size_t kLargestPreprocess = std::size_t{256} << 20;

}  // namespace equipoise
