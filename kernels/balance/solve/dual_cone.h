// kernels/balance/solve/dual_cone.h - projects a combination of gradients on the directions that none of them opposes.
//   minimise |x - J'c| over {x : J x >= 0}.  x = J'(c + v), where v solves min |J'(c + v)| over v >= 0
// (Moreau's decomposition; Lopez-Paz and Ranzato 2017, equation 11). Only G = J J' is needed: with H = D^-1 G D^-1 as
// in min_norm.h, y = D v is nonnegative_qp.h's for b = -H D c. Then (G to)_i >= -1e-12 of the terms it is summed from,
// and it is 0 to the same where v_i > 0. Floor: nonnegative_qp.h.
#pragma once

#include "kernels/balance/solve/nonnegative_qp.h"

namespace equipoise {

EQ_SIZE int dual_cone_scratch(int m) { return nonnegative_qp_scratch(m) + 3 * m; }

namespace dual_cone_detail {

/// Pivots of rounding noise would give coefficients without measure to combinations of no length.
EQ_FN constexpr QpRules plain_rules() { return {0x1p-46, 0, 0x1p-60}; }

/// Whether the passive set solves the problem with the H that was given.
template <class Team>
EQ_FN bool solved(const Team& team, const ScaledGram& h, const QpTableau& t, const double* scaled, uint32_t passive) {
  constexpr double kSolved = 0x1p-42;  // 2.3e-13, well below what is promised
  const int m = h.m;
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) {
    Wide sum{0, 0};
    double terms = 0;
    for (int j = 0; j < m; ++j) {
      const double x = h.at(i, j), y = qp_solution(t, passive, j), c = scaled[j];
      sum = sum + wide_product(x, c) + wide_product(x, y);
      terms = fma(x < 0 ? -x : x, (c < 0 ? -c : c) + y, terms);
    }
    const bool tight = (passive >> i & 1u) != 0;
    t.limit[i] = sum.hi >= -kSolved * terms && (!tight || sum.hi <= kSolved * terms) ? 1.0 : 0.0;
  }
  team.sync();
  bool all = true;
  for (int i = 0; i < m; ++i) all = all && t.limit[i] > 0;  // written again behind another barrier only
  return all;
}

}  // namespace dual_cone_detail

/// gram [m, m] symmetric, finite, diagonal positive; from, to [m] coefficients of the gradients; to is overwritten and
/// may not be `from`. Collective; begins after a barrier, ends with one.
template <class Team>
EQ_COLD void project_on_dual_cone(const Team& team, int m, const double* gram, const double* from, double* to,
                                  double* scratch) {
  using namespace dual_cone_detail;
  const QpTableau t(m, scratch);
  double* scale = scratch + nonnegative_qp_scratch(m);
  double *scaled = scale + m, *floor = scaled + m;  // scaled: D c / 2^most
  int most = -5000;
  for (int i = 0; i < m; ++i) {
    const int e = half_exponent(gram[i * m + i]) + half_exponent(from[i] * from[i]);
    if (from[i] != 0 && e > most) most = e;
  }
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) {
    const int e = half_exponent(gram[i * m + i]);
    scale[i] = power_of_two(-e);
    scaled[i] = from[i] * power_of_two(e - most);
  }
  team.sync();
  const ScaledGram h{m, gram, scale};
  uint32_t passive = 0;
  // A second try starts from what the first has found, with none of the rounding errors that entries left behind.
  for (int attempt = 0;; ++attempt) {
    EQ_ROLLED
    for (int i = team.thread_rank(); i < m; i += team.size()) {
      Wide sum{0, 0};
      double terms = 0;
      for (int j = 0; j < m; ++j) {
        const double x = h.at(i, j), c = scaled[j];
        sum = sum + wide_product(x, c);
        terms = fma(x < 0 ? -x : x, c < 0 ? -c : c, terms);
      }
      t.set(i, m, -sum);
      floor[i] = terms;
    }
    passive = nonnegative_qp(team, h, t, floor, attempt % 2 == 1 ? passive : 0u,
                             attempt < 2 ? plain_rules() : ridged_rules());
    if (attempt == 3 || solved(team, h, t, scaled, passive)) break;
  }
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size())
    to[i] = fma(qp_solution(t, passive, i) * scale[i], power_of_two(most), from[i]);
  team.sync();
}

}  // namespace equipoise
