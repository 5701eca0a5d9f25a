// kernels/balance/solve/bargaining.h - solves the bargaining equations (G a)_i = a_i^-p, a > 0, of Nash-MTL and
// FairGrad. They are the optimality conditions of the convex problem  1/2 a^T G a - sum a_i^(1-p) / (1-p)  (log a_i for
// p = 1).
//   y_i = n_i a_i / k:  C y = s,  s_i = exp(log r_i - p log y_i),  log r_i = (p - 1) log n_i - (1 + p) log k
// with C the cosine matrix, n_i = sqrt(G_ii), and k such that the largest of the single solutions r_i^(1/(1+p)) is 1.
// So scales enter as the r_i alone, and for p = 1 not at all.
#pragma once

#include "kernels/balance/solve/cosines.h"
#include "kernels/balance/solve/min_norm.h"
#include "kernels/base/strict_math.h"
#include "kernels/base/team.h"

// Newton's direction d of the convex problem, (C + p diag(s / y)) d = s - C y, moves each y_i by a factor, so that it
// stays positive (see `move`). From the single solutions that takes about 6 steps, 10 to 40 where scales are wild or
// the hull's edge is near. Tested: p = 1 at any scales; p in [0.5, 2] with scales of 1e-30 to 1e30; p in [0.1, 10] with
// scales within a factor of 10. Beyond, y may leave the range of doubles, which counts as no solution.
//
// Floor: m + 3 barriers and m^3 fused operations a step; Gauss-Jordan without pivots, the matrix being definite.

namespace equipoise {

inline constexpr int kBargainingSteps = 60;

EQ_SIZE int bargaining_scratch(int m) {
  return 2 * m * m + 7 * m > min_norm_scratch(m) ? 2 * m * m + 7 * m : min_norm_scratch(m);
}

namespace bargaining_detail {

enum class Progress { going, solved, hopeless };

/// The problem and its iterate; arrays of m but C [m, m] and the Newton system [m, m + 1], right side last.
struct Bargain {
  int m;
  double p;
  double *c, *system, *x, *log_r, *y, *s, *cy, *gross;

  EQ_FN Bargain(int tasks, double power, double* scratch)
      : m(tasks),
        p(power),
        c(scratch),
        system(c + m * m),
        x(system + m * (m + 1)),
        log_r(x + m),
        y(log_r + m),
        s(y + m),
        cy(s + m),
        gross(cy + m) {}

  /// s and y of x, of which each member reads what it wrote; then, behind a barrier, C y and the sum of its terms'
  /// sizes. Ends with a barrier.
  template <class Team>
  EQ_FN void evaluate(const Team& team) const {
    EQ_ROLLED
    for (int i = team.thread_rank(); i < m; i += team.size()) {
      y[i] = strict_exp(x[i]);
      s[i] = strict_exp(fma(-p, x[i], log_r[i]));
    }
    team.sync();
    EQ_ROLLED
    for (int i = team.thread_rank(); i < m; i += team.size()) {
      cy[i] = gross[i] = 0;
      for (int j = 0; j < m; ++j) {
        cy[i] = fma(c[i * m + j], y[j], cy[i]);
        gross[i] = fma(fabs(c[i * m + j]), y[j], gross[i]);
      }
    }
    team.sync();
  }

  /// Solved: every equation holds to 1e-13, or to the rounding of its terms. Hopeless: the step is below 1e-6 of what
  /// it is made of, where zero lies in the gradients' convex hull so far as doubles can tell.
  EQ_FN Progress progress() const {
    double whole = 0, parts = 0;
    bool solved = true;
    for (int i = 0; i < m; ++i) {
      const double rounding = 0x1p-52 * (m + 4) * (gross[i] + s[i]);
      solved = solved && fabs(cy[i] - s[i]) <= (1e-13 * s[i] > rounding ? 1e-13 * s[i] : rounding);
      whole = fma(y[i], s[i], whole);
      parts = fma(y[i], gross[i], parts);
    }
    if (!(whole > 1e-12 * parts)) return Progress::hopeless;
    return solved ? Progress::solved : Progress::going;
  }

  template <class Team>
  EQ_FN void newton(const Team& team) const {
    const int width = m + 1;
    for (int e = team.thread_rank(); e < m * width; e += team.size()) {
      const int i = e / width, j = e % width;
      system[e] = j == m ? s[i] - cy[i] : c[i * m + j] + (i == j ? p * (s[i] / y[i]) : 0.0);
    }
    team.sync();
    for (int k = 0; k < m; ++k) {
      const double pivot = pivot_of(k);
      for (int e = team.thread_rank(); e < m * (m - k); e += team.size()) {
        const int i = e / (m - k), j = k + 1 + e % (m - k);
        if (i == k) continue;
        system[i * width + j] = fma(-(system[i * width + k] / pivot), system[k * width + j], system[i * width + j]);
      }
      team.sync();
    }
    EQ_ROLLED
    for (int i = team.thread_rank(); i < m; i += team.size()) {
      const double d = system[i * width + m] / pivot_of(i) / y[i];
      const double next = x[i] + move(i, d);
      x[i] = next < -600.0 ? -600.0 : next;  // where exp would vanish
    }
  }

  /// By how much x_i moves for Newton's relative step d: log(1 + d), its tangent from d = -1/2 on down. What solves
  /// equation i by x_i alone bounds a fall beyond e^-1, and replaces a slower rise where y_i hardly counts in C y.
  EQ_FN double move(int i, double d) const {
    const double alone = cy[i] > 0 ? strict_log(s[i] / cy[i]) / (p + y[i] / cy[i]) : 0.0;
    if (d > 0) {
      const double room = cy[i] > 0 ? strict_log(cy[i] / y[i]) - 7.0 : 0.0;  // up to a thousandth of (C y)_i
      const double newton = strict_log(1.0 + d), jump = alone < room ? alone : room;
      return jump > newton ? jump : newton;
    }
    const double newton = d > -0.5 ? strict_log(1.0 + d) : fma(2.0, d, 1.0 - 0x1.62e42fefa39efp-1);
    const double least = alone < -1.0 ? alone : -1.0;
    return newton > least ? newton : least;
  }

  /// Row k's pivot, kept from what rounding makes of a singular C: two like gradients against larger ones.
  EQ_FN double pivot_of(int k) const {
    const double least = 0x1p-44 * fma(p, s[k] / y[k], 1.0), pivot = system[k * (m + 2)];
    return pivot > least ? pivot : least;
  }
};

}  // namespace bargaining_detail

/// Collective: a [m], or false (to all members) and a untouched where the equations have no solution in doubles: zero
/// lies in the convex hull of the gradients. p > 0. Ends with a barrier.
template <class Team>
EQ_COLD bool bargain(const Team& team, int m, const double* gram, double p, double* a, double* scratch) {
  using bargaining_detail::Progress;
  const bargaining_detail::Bargain b(m, p, scratch);
  double log_k = 0;
  for (int i = 0; i < m; ++i) {
    const double own = (p - 1.0) * (0.5 * strict_log(gram[i * m + i])) / (1.0 + p);
    log_k = i == 0 || own > log_k ? own : log_k;
  }
  for (int e = team.thread_rank(); e < m * m; e += team.size()) b.c[e] = cosine(gram, m, e / m, e % m);
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) {
    b.log_r[i] = fma(p - 1.0, 0.5 * strict_log(gram[i * m + i]), -(1.0 + p) * log_k);
    b.x[i] = b.log_r[i] / (1.0 + p);
  }
  b.evaluate(team);
  Progress now = b.progress();
  for (int step = 0; now == Progress::going && step < kBargainingSteps; ++step) {
    b.newton(team);
    b.evaluate(team);
    now = b.progress();
  }
  if (now == Progress::solved)
    share(team, m, [&](int i) { a[i] = strict_exp(b.x[i] + log_k) / sqrt(gram[i * m + i]); });
  team.sync();
  return now == Progress::solved;
}

/// Collective: a [m]; where there is no solution, the min-norm weights, whose step vanishes with the hull's distance
/// from zero. Ends with a barrier.
template <class Team>
EQ_COLD void bargain_or_min_norm(const Team& team, int m, const double* gram, double p, double* a, double* scratch) {
  if (!bargain(team, m, gram, p, a, scratch)) min_norm(team, m, gram, a, scratch);
}

}  // namespace equipoise
