// kernels/ops/inherent_variational.h - the inherent-variational loss of MLDRL: shared latent parts of the views should
// agree, specific ones should differ.
//   I = sum over pairs of views i < j of mean (c_i - c_j)^2,  V = sum over pairs of mean (p_i - p_j)^2
//   ratio I / V (as published, of two views) or difference I - V (as in the authors' code)
// Two operations: the sums behind I and V, and, once they are known, the gradient by all latents.
#pragma once

#include <cmath>

#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct InherentVariational {
  View z;  // [views * n, L], a block a view; columns [0, shared) inherent, the rest variational
  int32_t shared;
  Place inherent;     // [n, 16] slots of sums of squares, overwritten
  Place variational;  // likewise

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.n);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u), lane = unit_lane<Team>(u);
    const auto squares = [&](int j) {
      double sum = 0;
      for (int one = 0; one < z.blocks; ++one)
        for (int other = one + 1; other < z.blocks; ++other) {
          const double d = double{c.row(z, one * c.n + r)[j]} - double{c.row(z, other * c.n + r)[j]};
          sum = fma(d, d, sum);
        }
      return sum;
    };
    sum_row<Team::kLanes>(shared, lane, c.doubles(inherent) + r * kRowLanes, squares);
    sum_row<Team::kLanes>(z.cols - shared, lane, c.doubles(variational) + r * kRowLanes,
                          [&](int j) { return squares(shared + j); });
  }
};

/// dz_i = 2 slope / (n part) * sum over j != i of (z_i - z_j), slope = d loss / d I or d loss / d V
/// (control.term_slope).
struct InherentVariationalGradient {
  View z;
  View dz;  // [views * n, L], overwritten
  int32_t shared;
  int32_t inherent_term, variational_term;
  int32_t task;  // >= 0: weighted by that task's weight (merged lane)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.n);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u), lane = unit_lane<Team>(u);
    const double weight = 2.0 * (task < 0 ? 1.0 : c.control->shared_weights[task]) / c.n;
    const double* slope = c.control->term_slope;
    const float inherent = static_cast<float>(weight * slope[inherent_term] / shared);
    const float variational = static_cast<float>(weight * slope[variational_term] / (z.cols - shared));
    for (int view = 0; view < z.blocks; ++view) {
      const float* a = c.row(z, view * c.n + r);
      float* da = c.row(dz, view * c.n + r);
      each_column<Team::kLanes>(z.cols, lane, [&](int j, int) {
        const float factor = j < shared ? inherent : variational;
        float sum = 0.0f;
        for (int other = 0; other < z.blocks; ++other) {
          if (other == view) continue;
          // The pair's product as its first view has it, so that both views' gradients are opposite to the bit.
          const float b = c.row(z, other * c.n + r)[j];
          const float d = other > view ? factor * (a[j] - b) : -(factor * (b - a[j]));
          sum = other == (view == 0 ? 1 : 0) ? d : sum + d;
        }
        da[j] = sum;
      });
    }
  }
};

}  // namespace equipoise
