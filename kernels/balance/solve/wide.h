// kernels/balance/solve/wide.h - numbers of twice a double's precision, for solvers whose answer hides below rounding
// errors. x = hi + lo with |lo| <= ulp(hi) / 2; each operation errs by a few 2^-104 of its result (sums: of the larger
// term where they cancel). Dekker, Numerische Mathematik 18 (1971); products are split by fma. Floor: 5 to 20
// operations.
#pragma once

#include <cmath>

#include "kernels/base/fn.h"

namespace equipoise {

struct Wide {
  double hi, lo;
};

/// a + b, where |a| >= |b| or a = 0.
EQ_FN Wide wide_join(double a, double b) {
  const double s = a + b;
  return {s, b - (s - a)};
}

/// a + b.
EQ_FN Wide wide_sum(double a, double b) {
  const double s = a + b, from_b = s - a;
  return {s, (a - (s - from_b)) + (b - from_b)};
}

/// a b.
EQ_FN Wide wide_product(double a, double b) {
  const double p = a * b;
  return {p, fma(a, b, -p)};
}

EQ_FN Wide operator-(Wide a) { return {-a.hi, -a.lo}; }

EQ_FN Wide operator+(Wide a, Wide b) {
  const Wide high = wide_sum(a.hi, b.hi), low = wide_sum(a.lo, b.lo);
  const Wide sum = wide_join(high.hi, high.lo + low.hi);
  return wide_join(sum.hi, sum.lo + low.lo);
}

EQ_FN Wide operator-(Wide a, Wide b) { return a + -b; }

EQ_FN Wide operator*(Wide a, Wide b) {
  const Wide p = wide_product(a.hi, b.hi);
  return wide_join(p.hi, fma(a.lo, b.hi, fma(a.hi, b.lo, p.lo)));
}

/// 1 / a.
EQ_FN Wide wide_reciprocal(Wide a) {
  const double r = 1.0 / a.hi;
  const double off = fma(-a.lo, r, fma(-a.hi, r, 1.0));
  return wide_join(r, r * fma(off, off, off));
}

}  // namespace equipoise
