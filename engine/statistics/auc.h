// engine/statistics/auc.h - how well scores separate classes: area under the ROC curve, and counts at a threshold.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace equipoise {

// In all of these a label of -1 marks an unlabelled row, which is left out. A NaN score on any other row is refused
// with Error(numerics); arguments of unequal lengths or labels outside the classes are a caller's mistake
// (invalid_argument).

/// P(score of a positive > score of a negative), ties counting half (Mann-Whitney). Pairs are counted in integers, so
/// the result is the true fraction rounded once. A quiet NaN unless both classes are present.
double auc(std::span<const double> score,  // [n]
           std::span<const int> label);    // [n], 0, 1 or -1

/// For two classes auc() of the second column; for more, the mean of auc() of class against rest over the classes that
/// have a row and a rest. A quiet NaN if there is none.
double multiclass_auc(std::span<const double> score,  // [n, classes]
                      std::span<const int> label,     // [n], 0..classes-1 or -1
                      int classes);                   // >= 2

/// Outcomes of calling a row positive when its score is at least a threshold. A rate without rows is a quiet NaN.
struct BinaryCounts {
  int64_t tp = 0;
  int64_t fp = 0;
  int64_t tn = 0;
  int64_t fn = 0;

  double accuracy() const;     // (tp + tn) / all
  double sensitivity() const;  // tp / (tp + fn)
  double specificity() const;  // tn / (tn + fp)

  bool operator==(const BinaryCounts&) const = default;
};

/// The threshold that calls a row by its more probable class.
inline constexpr double kHalf = 0.5;

/// The second column of [n, 2]: scores of the positive class.
std::vector<double> second_of_two(std::span<const double> scores);

/// The threshold with the largest sensitivity + specificity (Youden 1950, "Index for rating diagnostic tests"), of the
/// scores of labelled rows; of equal ones the largest. Compared as integers, tp N0 - fp N1. A quiet NaN unless both
/// classes are present.
double youden_threshold(std::span<const double> score,  // [n]
                        std::span<const int> label);    // [n], 0, 1 or -1

BinaryCounts count_binary(std::span<const double> score,  // [n]
                          std::span<const int> label,     // [n], 0, 1 or -1
                          double threshold);

}  // namespace equipoise
