// engine/statistics/resampled_t_test.h - whether two models differ over the folds of a repeated cross-validation.
//
//   t = mean(d) / sqrt((1/J + test_rows / train_rows) var(d)),   J - 1 degrees of freedom
// of the differences d of a figure in J folds, all repeats together; var has divisor J - 1. Training sets of folds
// overlap, so that var(d) / J is too small; the second part makes up for it (Nadeau and Bengio, "Inference for the
// Generalization Error", Machine Learning 52, 2003; with repeats: Bouckaert and Frank, PAKDD 2004).
#pragma once

#include <span>

namespace equipoise {

/// Rows that a fold is tested and trained on; of folds that differ their means.
struct FoldRows {
  double test, train;
};

/// NaN where undefined: all of it where a difference is not finite or there is none, all but the mean of a single one.
///   All differences zero: t = 0, p = 1, an interval of zero alone.
///   All equal and not zero: t is infinite with their sign, p = 0, an interval of their value alone.
struct ResampledTTest {
  double mean = 0;            ///< of the differences
  double standard_error = 0;  ///< by which t divides it
  double t = 0;
  double df = 0;
  double p = 0;              ///< two-sided
  double low = 0, high = 0;  ///< confidence interval of the mean difference
};

/// `level` is that of the interval, in (0, 1). Rows that are not positive and finite, or another level, are a caller's
/// mistake (invalid_argument).
ResampledTTest resampled_t_test(std::span<const double> differences,  // [folds x repeats]
                                FoldRows rows, double level = 0.95);

}  // namespace equipoise
