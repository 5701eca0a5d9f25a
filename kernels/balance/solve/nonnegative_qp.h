// kernels/balance/solve/nonnegative_qp.h - min y'Hy/2 - b'y over y >= 0, by principal pivots on a wide tableau.
//
// H is a Gram matrix with each task scaled by a power of two to a length near 1. A passive set S holds the entries of y
// that may be positive. The tableau is H with the rows of S exchanged (the sweep operator: Goodnight, The American
// Statistician 33, 1979), and b beside it:
//   rows of S:   -H_SS^-1     |  H_SS^-1 H_SN             |  y_S = H_SS^-1 b_S
//   the others:  transposed   |  Schur complement of H_SS |  v = b - H y
// As in Lawson and Hanson (1974), the entry j with the largest v_j against the terms of its sum enters. It grows by tau
// while y_S(0) - tau H_SS^-1 H_Sj keeps v_S at 0, until v_j is 0 (j joins S) or an entry of S is 0 (it leaves S).
// A pivot below a line is raised to it, so that H never turns out to be indefinite. With 0 in the hull of the gradients
// y then becomes very long, along the combination that gives 0. The caller proves the solution; H may be so near to
// singular that rounding errors of G show in it, and then is solved with a ridge.
// Why wide: a tableau in double loses, by small pivots, the digits that the proof of optimality asks for.
// Floor: about |S| pivots of m (m + 1) wide products, each shared by the team; three barriers a pivot.
#pragma once

#include <cstdint>

#include "kernels/balance/solve/wide.h"
#include "kernels/base/strict_math.h"

namespace equipoise {

/// H: entry (i, j) is gram[i, j] scale[i] scale[j], where scale holds powers of two.
struct ScaledGram {
  int m;
  const double* gram;   // [m, m]
  const double* scale;  // [m]

  /// No scaled Gram matrix has entries beyond 2; the bound keeps what is none from overflowing.
  EQ_FN double at(int i, int j) const {
    const double h = gram[i * m + j] * scale[i] * scale[j];
    return h > 4.0 ? 4.0 : h < -4.0 ? -4.0 : h;
  }
};

/// k with 2^k within a factor of sqrt(2) of sqrt(x), x > 0 (subnormal x: near enough).
EQ_FN int half_exponent(double x) { return (static_cast<int>(bits_as<uint64_t>(x) >> 52) - 1022) >> 1; }

/// 2^k, with k held to what a double can show; k = -1023 and below give 0.
EQ_FN double power_of_two(int k) {
  return k < -1022 ? 0.0 : strict_detail::pow2d(static_cast<uint64_t>(int64_t{k > 1023 ? 1023 : k}));
}

/// Scratch of the solver by parts.
struct QpTableau {
  int m;
  double *hi, *lo;                                      // [m, m + 1] H, exchanged; the last column is b, exchanged
  double *row_hi, *row_lo, *quotient_hi, *quotient_lo;  // [m + 1] the pivot row, and the same over the pivot
  double *price, *limit;                                // [m]

  EQ_FN QpTableau(int tasks, double* scratch) : m(tasks), hi(scratch) {
    lo = hi + m * (m + 1);
    row_hi = lo + m * (m + 1);
    row_lo = row_hi + m + 1;
    quotient_hi = row_lo + m + 1;
    quotient_lo = quotient_hi + m + 1;
    price = quotient_lo + m + 1;
    limit = price + m;
  }
  EQ_FN Wide at(int i, int j) const { return {hi[i * (m + 1) + j], lo[i * (m + 1) + j]}; }
  EQ_FN void set(int i, int j, Wide x) const {
    hi[i * (m + 1) + j] = x.hi;
    lo[i * (m + 1) + j] = x.lo;
  }
};
EQ_SIZE int nonnegative_qp_scratch(int m) { return 2 * m * (m + 1) + 4 * (m + 1) + 2 * m; }

/// What is nothing, of the diagonal of H or of the terms of a slope.
struct QpRules {
  double pivot;  ///< a pivot below this is raised to it
  double ridge;  ///< added to all of H's diagonal
  double slope;  ///< a slope below this lets no entry in
};
/// For a matrix whose rounding errors show in the solution: they are some m 2^-53, and drown in the ridge. Then
/// (H y - b)_i is off by no more than 2^-44 of its terms.
EQ_FN constexpr QpRules ridged_rules() { return {0x1p-46, 0x1p-45, 0x1p-44}; }

/// Exchanges row k: into the passive set, or out of it.
template <class Team>
EQ_FN void qp_exchange(const Team& team, const QpTableau& t, int k, Wide pivot, bool into) {
  const int n = t.m + 1;
  const Wide inverse = wide_reciprocal(pivot);
  EQ_ROLLED
  for (int j = team.thread_rank(); j < n; j += team.size()) {
    const Wide x = t.at(k, j), q = x * inverse;
    t.row_hi[j] = x.hi, t.row_lo[j] = x.lo;
    t.quotient_hi[j] = q.hi, t.quotient_lo[j] = q.lo;
  }
  team.sync();
  for (int e = team.thread_rank(); e < t.m * n; e += team.size()) {
    const int i = e / n, j = e - i * n;
    const int other = i == k ? j : i;
    const Wide q = {t.quotient_hi[i == k || j == k ? other : j], t.quotient_lo[i == k || j == k ? other : j]};
    if (i == k && j == k) t.set(i, j, -inverse);
    else if (i == k || j == k) t.set(i, j, into ? q : -q);
    else t.set(i, j, t.at(i, j) - Wide{t.row_hi[i], t.row_lo[i]} * q);
  }
  team.sync();
}

/// The entry outside S with the largest v_i / terms_i above `least`, the first of equals; -1: none.
/// terms_i = floor_i + sum_j |H_ij| y_j.
template <class Team>
EQ_FN int qp_steepest(const Team& team, const ScaledGram& h, const QpTableau& t, const double* floor, uint32_t passive,
                      double least) {
  EQ_ROLLED
  for (int i = team.thread_rank(); i < t.m; i += team.size()) {
    double terms = floor[i];
    for (int j = 0; j < t.m; ++j)
      if (passive >> j & 1u) {
        const double x = h.at(i, j);
        terms = fma(x < 0 ? -x : x, t.at(j, t.m).hi, terms);
      }
    t.price[i] = passive >> i & 1u ? 0.0 : t.at(i, t.m).hi / terms;
  }
  team.sync();
  int best = -1;
  for (int i = 0; i < t.m; ++i)
    if (t.price[i] > least) {
      least = t.price[i];
      best = i;
    }
  return best;
}

/// The pivot with which j enters: its Schur complement, or the line below which that is nothing.
EQ_FN Wide qp_pivot(const ScaledGram& h, const QpTableau& t, const QpRules& rules, int j) {
  const Wide own = t.at(j, j);
  const double line = rules.pivot * h.at(j, j);
  return own.hi > line ? own : Wide{line, 0.0};
}

/// Passive set S of the solution, as bits; y_S is then the tableau's last column, which holds b on entry (the rest of
/// the tableau is written here). `floor` [m], >= 0: what v_i is measured by besides the terms of H y. `start` enters
/// first, whole; its y must not be negative. Collective; begins after a barrier, ends with one. Places and rules are
/// copies: through references they would be read from memory again after every store.
template <class Team>
EQ_COLD uint32_t nonnegative_qp(const Team& team, ScaledGram h, QpTableau t, const double* floor, uint32_t start,
                                QpRules rules) {
  const int m = h.m, most = 10 * m + 20;
  for (int e = team.thread_rank(); e < m * m; e += team.size()) {
    const int i = e / m, j = e - i * m;
    const double x = h.at(i, j);
    t.set(i, j, {x, i == j ? rules.ridge * x : 0.0});
  }
  team.sync();
  uint32_t passive = 0;
  for (int entry = 0; entry < most; ++entry) {
    // Who has entered so often is chasing rounding errors.
    const double slope = entry < 4 * m + 8 || rules.slope > 0x1p-46 ? rules.slope : 0x1p-46;
    int j = -1;
    for (int i = m - 1; i >= 0; --i)
      if ((start >> i & 1u) != 0) j = i;
    const bool asked = j >= 0;
    if (asked) start ^= 1u << j;
    else j = qp_steepest(team, h, t, floor, passive, slope);
    if (j < 0) break;
    while ((passive >> j & 1u) == 0) {
      EQ_ROLLED
      for (int i = team.thread_rank(); i < m; i += team.size()) {
        const double rate = t.at(i, j).hi;
        t.limit[i] = (passive >> i & 1u) != 0 && rate > 0 ? t.at(i, m).hi / rate : strict_detail::infinity_d();
      }
      team.sync();
      const Wide pivot = qp_pivot(h, t, rules, j);
      int k = j;
      double limit = t.at(j, m).hi / pivot.hi;
      for (int i = 0; i < m; ++i)
        if (!asked && t.limit[i] < limit) {
          limit = t.limit[i];
          k = i;
        }
      qp_exchange(team, t, k, k == j ? pivot : t.at(k, k), k == j);
      passive ^= 1u << k;
    }
  }
  team.sync();
  return passive;
}

/// y_i of the solution.
EQ_FN double qp_solution(const QpTableau& t, uint32_t passive, int i) {
  const double y = (passive >> i & 1u) != 0 ? t.at(i, t.m).hi : 0.0;
  return y > 0 ? y : 0.0;
}

}  // namespace equipoise
