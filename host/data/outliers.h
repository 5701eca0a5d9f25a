// host/data/outliers.h - values so far from the others of their column that a slip of the pen is likelier.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "host/data/cohort.h"

namespace equipoise {

/// Robust deviations from the median at which a value is one: 1.4826 times the median absolute deviation, which is the
/// standard deviation of normal values. Columns of which more than half are one value have none.
inline constexpr double kOutlying = 30;

/// Of the columns of a view.
struct ViewOutliers {
  std::vector<double> low, high;  ///< where values are clipped, in the data's units; the ends of all numbers where a
                                  ///< column has no outliers; empty unless they are
  std::vector<int> far;           ///< training rows with an outlier
};

struct Outliers {
  std::vector<ViewOutliers> views;
  std::vector<std::vector<int>> targets;  ///< of each target's columns: training rows with an outlier
};

/// Looks at features (after their `transforms`: a pattern of names -> a name of host/data/transform.h) and at targets
/// of numbers in the training rows. `mode` is
/// - tell: they are told, the farthest five by patient, column and distance, the others counted;
/// - clip: they are set to kOutlying robust deviations, and told. Of features the bounds are returned, by which the fit
///   clips every row that comes later (FittedView); targets of rows that validate or test stay as they are;
/// - refuse: Throws Error(data) with the same sentence.
Outliers treat_outliers(RawCohort& cohort, std::span<const int> train_rows, const std::string& mode,
                        const std::map<std::string, std::string>& transforms, std::vector<std::string>& notices);

}  // namespace equipoise
