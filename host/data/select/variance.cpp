// host/data/select/variance.cpp - the spread of a column: what hardly varies tells nothing.
//
// score = sum (x - mean)^2 / rows, in the data's units after data.transform and imputation. It depends on the unit, so
// it is a bound for columns that are all but constant rather than a ranking.
#include "host/data/select/select.h"

namespace equipoise {

std::vector<double> variance_scores(const SelectJob& job) {
  std::vector<double> scores;
  for (const std::size_t column : job.candidates) scores.push_back(job.columns.variance[column]);
  return scores;
}

}  // namespace equipoise
