// kernels/balance/solve/min_norm.h - the shortest convex combination of m gradients, from their Gram matrix, with a
// proof.
//   min w'Gw, w >= 0, sum w = 1
//   gap = max_i (w'Gw - (Gw)_i) / max(w'Gw, sum_j |G_ij| w_j), which is <= 0 at the optimum and nowhere else.
// With D = diag(2^e_i) near the gradients' lengths, H = D^-1 G D^-1 and b_i = 2^(e_min - e_i), the optimum is
// w_i = b_i y_i / sum for the y of nonnegative_qp.h. Every scaling is by a power of two, so G and 4^k G give the same
// weights bit for bit. The shortest gradient enters first; of equals the first one, and alone. Two gradients have
// a closed form.
// Floor: nonnegative_qp.h, and m^2 wide products for the proof.
#pragma once

#include "kernels/balance/solve/nonnegative_qp.h"

namespace equipoise {

struct MinNorm {
  double value;  ///< w'Gw
  double gap;
};

EQ_SIZE int min_norm_scratch(int m) { return nonnegative_qp_scratch(m) + 3 * m; }

namespace min_norm_detail {

EQ_FN constexpr QpRules exact_rules() { return {0x1p-80, 0, 0x1p-60}; }
inline constexpr double kProved = 0x1p-42;  // 2.3e-13, well below what is promised

/// w'Gw / 4^e_min and the gap, with wide sums: rounding must not pass for a violation, nor hide one.
template <class Team>
EQ_FN MinNorm prove(const Team& team, const ScaledGram& h, const QpTableau& t, const double* b, const double* unit) {
  const int m = h.m;
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) {
    Wide sum{0, 0};
    double terms = 0;
    for (int j = 0; j < m; ++j) {
      const double x = h.at(i, j);
      sum = sum + wide_product(x, unit[j]);
      terms = fma(x < 0 ? -x : x, unit[j], terms);
    }
    t.row_hi[i] = sum.hi, t.row_lo[i] = sum.lo;
    t.limit[i] = terms;
  }
  team.sync();
  Wide value{0, 0};
  for (int i = 0; i < m; ++i) value = value + Wide{unit[i], 0.0} * Wide{t.row_hi[i], t.row_lo[i]};
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) {
    const Wide level = value * Wide{b[i], 0.0};
    const double by = level.hi > t.limit[i] ? level.hi : t.limit[i];
    t.price[i] = by > 0 ? (level - Wide{t.row_hi[i], t.row_lo[i]}).hi / by : 0.0;
  }
  team.sync();
  double gap = t.price[0];
  for (int i = 1; i < m; ++i)
    if (t.price[i] > gap) gap = t.price[i];
  team.sync();
  return {value.hi, gap};
}

/// Two gradients: w_1 : w_2 = (G_22 - G_12) : (G_11 - G_12), cut off at the vertices. Each difference has one rounding,
/// so the weights are right to a few units in the last place however close the gradients are.
EQ_FN double first_of_two(const double* gram) {
  const double a = gram[0] - gram[1], c = gram[3] - gram[1];
  if (!(a > 0)) return c > 0 || gram[0] <= gram[3] ? 1.0 : 0.0;
  return c > 0 ? c / (a + c) : 0.0;
}
EQ_FN double second_of_two(const double* gram) {
  const double a = gram[0] - gram[1], c = gram[3] - gram[1];
  return a > 0 && c > 0 ? a / (a + c) : 1.0 - first_of_two(gram);
}

}  // namespace min_norm_detail

/// gram [m, m] symmetric, finite, diagonal positive; weights [m], written. Collective; begins after a barrier, ends
/// with one, and gives every member the same.
template <class Team>
EQ_COLD MinNorm min_norm(const Team& team, int m, const double* gram, double* weights, double* scratch) {
  using namespace min_norm_detail;
  const QpTableau t(m, scratch);
  double* scale = scratch + nonnegative_qp_scratch(m);
  double *b = scale + m, *unit = b + m;  // unit: w_i / b_i
  int least = half_exponent(gram[0]), first = 0;
  for (int i = 1; i < m; ++i) {
    const int e = half_exponent(gram[i * m + i]);
    if (e < least) least = e;
    if (gram[i * m + i] < gram[first * m + first]) first = i;
  }
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) {
    int e = half_exponent(gram[i * m + i]);
    if (e > least + 1000) e = least + 1000;
    scale[i] = power_of_two(-e);
    b[i] = power_of_two(least - e);
  }
  team.sync();
  const ScaledGram h{m, gram, scale};
  const double length = power_of_two(least);
  if (m == 2) {
    EQ_ROLLED
    for (int i = team.thread_rank(); i < 2; i += team.size()) {
      weights[i] = i == 0 ? first_of_two(gram) : second_of_two(gram);
      unit[i] = weights[i] / b[i];
    }
    team.sync();
    const MinNorm two = prove(team, h, t, b, unit);
    return {two.value * length * length, two.gap};
  }
  MinNorm scaled{0, 0};
  uint32_t passive = 0;
  // A second try starts from what the first has found, with none of the rounding errors that entries left behind.
  for (int attempt = 0;; ++attempt) {
    EQ_ROLLED
    for (int i = team.thread_rank(); i < m; i += team.size()) t.set(i, m, {b[i], 0.0});
    passive = nonnegative_qp(team, h, t, b, attempt % 2 == 1 ? passive : 1u << first,
                             attempt < 2 ? exact_rules() : ridged_rules());
    double sum = 0;
    for (int i = 0; i < m; ++i) sum = fma(b[i], qp_solution(t, passive, i), sum);
    const bool number = sum > 0 && sum - sum == 0.0;  // else G is no Gram matrix
    EQ_ROLLED
    for (int i = team.thread_rank(); i < m; i += team.size()) {
      unit[i] = number ? qp_solution(t, passive, i) / sum : i == first ? 1.0 : 0.0;
      weights[i] = b[i] * unit[i];
    }
    team.sync();
    scaled = prove(team, h, t, b, unit);
    if (scaled.gap <= kProved || attempt == 3) break;
  }
  return {scaled.value * length * length, scaled.gap};
}

}  // namespace equipoise
