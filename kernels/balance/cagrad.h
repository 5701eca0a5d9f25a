// kernels/balance/cagrad.h - CAGrad (Liu et al. 2021): the step that helps the worst-off task most, near the mean step.
//   minimise f(w) = g_w . g_0 + c |g_0| |g_w| over the simplex; the step is g_0 + c |g_0| / |g_w| g_w
// g_0 is the mean of the gradients that take part, g_w = sum_i w_i g_i. Published codes minimise f by SLSQP or gradient
// steps, with 1e-8 added to |g_w|, and stop early on badly scaled gradients; c >= 1 is refused here.
#pragma once

#include <cmath>

#include "kernels/balance/method.h"
#include "kernels/balance/solve/min_norm.h"

// With a = c |g_0|, a |g_w| <= (|g_w|^2 / t + a^2 t) / 2 for any t > 0, equal at t = |g_w| / a. So f's minimum is that
// of |g_w + t g_0|^2 at the right t: the min-norm point w(t) of the shifted gradients g_i + t g_0, whose Gram matrix is
// G_ij + t (p_i + p_j) + t^2 q with p = G 1/m, q = |g_0|^2. |g_w(t)| / t falls with t, so one t fits, and g_w(t) is
// affine as long as the same tasks have weight: the line through two solutions gives a quadratic for t that is exact
// once both lie on the last piece. A bracket guards it.
// Floor: three or four min-norm solutions as a rule, two barriers and 2 m^2 fused operations each beside their own.

namespace equipoise {

namespace cagrad_detail {

/// |g|^2 over (sum_i w_i |g_i|)^2 that is mere rounding error: sums of 32 products in double err by less.
inline constexpr double kRounding = 1e-14;

/// Raises the diagonal of the shifted matrix above its rounding error. Where a gradient nearly cancels the shift, that
/// error is large beside its own entries, and without this the matrix would be that of no gradients at all.
inline constexpr double kRidge = 4e-15;

/// Far more than any problem tried has needed (some twenty); a bound where rounding leaves no sharp t.
inline constexpr int kSolutions = 48;

/// A solution w = w(t), y = G w, both [m]; t < 0: none yet.
struct Point {
  double t;
  double* w;
  double* y;
};

EQ_FN void exchange(Point& a, Point& b) {
  const Point kept = a;
  a = b;
  b = kept;
}

/// |g_w|^2, and (sum_i w_i |g_i|)^2 against which its rounding error is to be seen.
struct Square {
  double value, gross;
};

struct Problem {
  int m;
  const double* gram;  // [m, m]
  const double* p;     // [m] g_i . g_0
  double q;            // |g_0|^2
  double a;            // c |g_0|
  double* shifted;     // [m, m]
  double* work;        // [min_norm_scratch(m)]

  /// Writes point.w and point.y for point.t, behind a barrier. Collective; ends with a barrier.
  template <class Team>
  EQ_FN void solve(const Team& team, const Point& point) const {
    const double t = point.t, shift = t * t * q;
    for (int e = team.thread_rank(); e < m * m; e += team.size()) {
      const int i = e / m, j = e % m;
      const double ridge = i == j ? kRidge * (gram[e] + shift) : 0.0;
      shifted[e] = fma(t, p[i] + p[j], gram[e]) + shift + ridge;
    }
    team.sync();
    const int opposite = opposite_task(t);
    if (opposite < 0) {
      min_norm(team, m, shifted, point.w, work);
    } else {
      EQ_ROLLED
      for (int i = team.thread_rank(); i < m; i += team.size()) point.w[i] = i == opposite ? 1.0 : 0.0;
      team.sync();
    }
    EQ_ROLLED
    for (int i = team.thread_rank(); i < m; i += team.size()) {
      double sum = 0.0;
      for (int j = 0; j < m; ++j) sum = fma(gram[i * m + j], point.w[j], sum);
      point.y[i] = sum;
    }
    team.sync();
  }

  /// The first task whose gradient the shift cancels: it is the min-norm point, and min_norm wants no zeros. Or -1.
  EQ_FN int opposite_task(double t) const {
    for (int i = 0; i < m; ++i) {
      const double gross = sqrt(gram[i * m + i]) + t * sqrt(q);
      if (!(shifted[i * m + i] > kRounding * (gross * gross))) return i;
    }
    return -1;
  }

  EQ_FN Square square(const Point& at) const {
    double value = 0.0, gross = 0.0;
    for (int i = 0; i < m; ++i) {
      value = fma(at.w[i], at.y[i], value);
      gross = fma(at.w[i], sqrt(gram[i * m + i]), gross);
    }
    return {value, gross * gross};
  }

  /// The t nearest to at.t where |g_w| = a t, were g_w affine in t as through both points. Not finite where it has
  /// none.
  EQ_FN double meet(const Point& at, const Point& other) const {
    double along = 0.0, turn = 0.0;  // with b = g_w per t: g_w . b and |b|^2
    for (int i = 0; i < m; ++i) {
      const double slope = (at.y[i] - other.y[i]) / (at.t - other.t);
      along = fma(at.w[i], slope, along);
      turn = fma((at.w[i] - other.w[i]) / (at.t - other.t), slope, turn);
    }
    // |g_w + x b|^2 = a^2 (t + x)^2
    const double off = square(at).value - (a * at.t) * (a * at.t), half = along - a * (a * at.t);
    return at.t + off / (sqrt(half * half - (turn - a * a) * off) - half);
  }

  /// c |g_0| / |g_w| at the minimum, whose weights `found` then has; 0 where |g_w| = 0 there. `memory` [10 m].
  template <class Team>
  EQ_FN double search(const Team& team, double c, double longest, double* memory, Point& found) const {
    // The two latest solutions with t on the side of the newest, too low or too high, and the two across.
    Point same{-1.0, memory, memory + m}, same_before{-1.0, memory + 2 * m, memory + 3 * m};
    Point across{-1.0, memory + 4 * m, memory + 5 * m}, across_before{-1.0, memory + 6 * m, memory + 7 * m};
    found = {1.0 / c, memory + 8 * m, memory + 9 * m};  // as if |g_w| were |g_0|
    double from = 0.0, to = 2.0 * longest / a;          // no |g_w| is longer than the longest gradient
    double length = 0.0;
    bool same_is_low = true;
    for (int solution = 1; solution <= kSolutions; ++solution) {
      solve(team, found);
      const Square s = square(found);
      if (!(s.value > kRounding * s.gross)) return 0.0;
      length = sqrt(s.value);
      const double off = s.value - (a * found.t) * (a * found.t);
      if ((off < 0.0 ? -off : off) <= kRounding * s.gross) break;
      const bool is_low = off > 0.0;
      if (is_low != same_is_low) {
        exchange(same, across);
        exchange(same_before, across_before);
        same_is_low = is_low;
      }
      if (is_low) from = found.t;
      else to = found.t;
      const auto inside = [&](double t) { return t > from && t < to; };
      const bool lines = solution <= 8 || solution % 3 != 0;  // else halve: lines from one side can creep
      double next = solution == 1 ? length / a : -1.0;
      if (!inside(next) && lines && same.t >= 0.0) next = meet(found, same);
      if (!inside(next) && lines && across_before.t >= 0.0) next = meet(across, across_before);
      if (!inside(next) && lines && across.t >= 0.0) next = meet(found, across);
      if (!inside(next)) next = from > 0.0 ? sqrt(from) * sqrt(to) : 0.0625 * to;
      if (!inside(next)) break;
      exchange(same, same_before);
      exchange(same, found);
      found.t = next;  // what is read above is written behind the first barrier of the next solution
    }
    return a / length;
  }
};

}  // namespace cagrad_detail

EQ_SIZE int cagrad_scratch(int m) { return m * m + 11 * m + min_norm_scratch(m); }
static_assert(fits_mixing_scratch(cagrad_scratch));

/// The mixing matrix is (I + lambda 1 w') / m with lambda = c |g_0| / |g_w|. The step is g_0 where there is nothing to
/// lean on: c = 0; g_0 = 0; or g_w = 0, i.e. f is negative nowhere and 0 is in the hull. Reads of the method: c.
template <class Team>
EQ_COLD void mix_cagrad(const Team& team, const Mixing& in, const Method& method) {
  using namespace cagrad_detail;
  const int m = in.tasks;
  double *shifted = in.scratch, *p = shifted + m * m, *memory = p + m, *work = memory + 10 * m;
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) {
    double sum = 0.0;
    for (int j = 0; j < m; ++j) sum += in.gram[i * m + j];
    p[i] = sum / m;
  }
  team.sync();
  double q = 0.0, gross = 0.0, longest = 0.0;
  for (int i = 0; i < m; ++i) {
    const double norm = sqrt(in.gram[i * m + i]);
    q += p[i] / m;
    gross += norm / m;
    longest = norm > longest ? norm : longest;
  }
  double lambda = 0.0;
  Point found{0.0, memory, memory};
  if (method.c > 0.0 && q > kRounding * (gross * gross))
    lambda =
        Problem{m, in.gram, p, q, method.c * sqrt(q), shifted, work}.search(team, method.c, longest, memory, found);
  for (int e = team.thread_rank(); e < m * m; e += team.size()) {
    const double mean = e / m == e % m ? 1.0 : 0.0;
    in.mixing[e] = (lambda > 0.0 ? fma(lambda, found.w[e % m], mean) : mean) / m;
  }
  team.sync();
}

}  // namespace equipoise
