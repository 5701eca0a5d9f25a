// engine/statistics/resampled_t_test.cpp - the corrected resampled t-test.
#include "engine/statistics/resampled_t_test.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "engine/statistics/figures.h"
#include "engine/statistics/mean_sd.h"
#include "engine/statistics/student_t.h"

namespace equipoise {

ResampledTTest resampled_t_test(std::span<const double> differences, FoldRows rows, double level) {
  if (!(rows.test > 0 && rows.train > 0 && std::isfinite(rows.test) && std::isfinite(rows.train)))
    throw std::invalid_argument("folds without rows to test or to train on");
  if (!(level > 0 && level < 1)) throw std::invalid_argument("a confidence level outside 0 to 1");
  const auto [mean, sd] = mean_sd(differences);
  if (std::isnan(sd)) return {mean, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined};
  const auto folds = static_cast<double>(differences.size());
  ResampledTTest test{.mean = mean, .df = folds - 1};
  test.standard_error = sd * std::sqrt(1 / folds + rows.test / rows.train);
  if (sd > 0) test.t = mean / test.standard_error;
  else if (mean != 0) test.t = std::copysign(std::numeric_limits<double>::infinity(), mean);
  test.p = student_t_two_sided_p(test.t, test.df);
  const double half = sd > 0 ? student_t_two_sided_quantile(1 - level, test.df) * test.standard_error : 0;
  test.low = mean - half;
  test.high = mean + half;
  return test;
}

}  // namespace equipoise
