// kernels/balance/gradvac.h - GradVac (Wang et al. 2021, algorithm 1): raise every pair's cosine to its moving average.
//   for each i, over the other j in random order, with p = cos(g_i', g_j) and the average q_ij of former steps:
//     if p < q_ij:  g_i' += |g_i'| (q_ij sqrt(1 - p^2) - p sqrt(1 - q_ij^2)) / (|g_j| sqrt(1 - q_ij^2)) g_j
//     q_ij := (1 - beta) q_ij + beta p
// Averages live on from step to step, as the paper has it and some codes do not; cosines are clamped to [-1, 1], as
// rounding could make the roots NaN. A pair with an average at -1 or 1 is left alone.
#pragma once

#include <cmath>

#include "kernels/balance/task_order.h"

// Floor: 3 m^2 fused operations a row, one after another; each row is one thread's, and no barrier lies inside.

namespace equipoise {

/// 1 - q^2 below which a target cosine counts as one. No multiple of g_j gives g_i' that angle, and close to it the
/// multiple is |g_i'| / |g_j| / sqrt(1 - q^2), here at most 1e6: such a pair is left as it is, only averaged.
inline constexpr double kParallelTarget = 1e-12;

/// |g_i'|^2 over (sum_k |c_k| |g_k|)^2 below which g_i' is the rounding error of a gradient that was cancelled, as
/// opposite gradients cancel: it has no direction, and its pairs keep their averages. Sums of 32 terms in double err
/// by less.
inline constexpr double kCancelled = 1e-14;

/// sqrt(1 - cosine^2) for |cosine| <= 1, without cancellation.
EQ_FN double sine_of(double cosine) { return sqrt((1.0 - cosine) * (1.0 + cosine)); }

EQ_SIZE int gradvac_scratch(int m) { return 2 * m * m; }
static_assert(fits_mixing_scratch(gradvac_scratch));

/// Row i of the mixing matrix holds c of g_i' = sum_k c_k g_k. State: averages q [K, K] by task number, from 0; a pair
/// that does not meet keeps its own. Reads of the method: identity_order, beta.
template <class Team>
EQ_COLD void mix_gradvac(const Team& team, const Mixing& in, const Method& method) {
  const int m = in.tasks;
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) {
    double* c = in.mixing + i * m;
    double* order = in.scratch + 2 * i * m;
    double* dots = order + m;  // g_i' . g_k
    task_order(in.draws, in.task[i], m, method.identity_order != 0, order);
    for (int k = 0; k < m; ++k) {
      c[k] = k == i ? 1.0 : 0.0;
      dots[k] = in.gram[i * m + k];
    }
    for (int place = 0; place < m; ++place) {
      const auto j = static_cast<int>(order[place]);
      if (j == i) continue;
      double square = 0.0, gross = 0.0;
      for (int k = 0; k < m; ++k) {
        square = fma(c[k], dots[k], square);
        gross += (c[k] < 0.0 ? -c[k] : c[k]) * sqrt(in.gram[k * m + k]);
      }
      if (!(square > kCancelled * (gross * gross))) continue;
      const double length = sqrt(square), other = sqrt(in.gram[j * m + j]);
      const double cosine = dots[j] / length / other;
      const double p = cosine > 1.0 ? 1.0 : (cosine < -1.0 ? -1.0 : cosine);
      const int pair = in.task[i] * in.all_tasks + in.task[j];
      const double q = in.state[pair], sine = sine_of(q);
      if (p < q && sine * sine > kParallelTarget) {
        const double add = length / other * ((q * sine_of(p) - p * sine) / sine);
        c[j] += add;
        for (int k = 0; k < m; ++k) dots[k] = fma(add, in.gram[j * m + k], dots[k]);
      }
      in.next[pair] = (1.0 - method.beta) * q + method.beta * p;
    }
  }
  team.sync();
}

}  // namespace equipoise
