// engine/statistics/student_t.cpp - the one source that reads Boost's distributions, which take seconds to compile.
#include "engine/statistics/student_t.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "engine/statistics/figures.h"

namespace equipoise {
namespace {

// In double throughout: long double is another type on every machine. What is too large is infinite, not an exception.
using namespace boost::math::policies;
using StudentT = boost::math::students_t_distribution<
    double, policy<promote_double<false>, overflow_error<ignore_error>, underflow_error<ignore_error>>>;

}  // namespace

double student_t_two_sided_p(double t, double df) {
  if (std::isnan(t)) return kUndefined;
  if (std::isinf(t)) return 0;
  return 2 * cdf(complement(StudentT(df), std::fabs(t)));
}

double student_t_two_sided_quantile(double p, double df) { return quantile(complement(StudentT(df), p / 2)); }

}  // namespace equipoise
