// engine/statistics/student_t.h - Student's t distribution, by Boost.Math.
//
// It takes powers and logarithms from the C library, so that its last digits may differ between machines; nothing that
// trains may read it.
#pragma once

namespace equipoise {

/// P(|T| >= |t|) with `df` > 0 degrees of freedom; 0 for an infinite t, NaN for a NaN.
double student_t_two_sided_p(double t, double df);

/// The t beyond which, on both sides together, lies `p` in (0, 1).
double student_t_two_sided_quantile(double p, double df);

}  // namespace equipoise
