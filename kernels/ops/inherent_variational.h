// kernels/ops/inherent_variational.h - the inherent-variational loss of MLDRL: shared latent parts of the views should
// agree, specific ones should differ.
//   I = sum over pairs of views i < j of mean (c_i - c_j)^2,  V = sum over pairs of mean (p_i - p_j)^2
//   ratio I / V (as published, of two views) or difference I - V (as in the authors' code)
// Two operations: the sums behind I and V, and, once they are known, the gradient by all latents.
#pragma once

#include <cmath>

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct InherentVariational {
  View z;  // [views * n, L], a block a view; columns [0, shared) inherent, the rest variational
  int32_t shared;
  Place inherent;     // [n, 16] slots of sums of squares, overwritten
  Place variational;  // likewise
  EQ_FIELDS(z, shared, inherent, variational)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.n);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u), lane = unit_lane<Team>(u);
    const float* first = c.row(z, r);
    const int64_t to_next_view = int64_t{c.n} * z.stride;
    const auto squares = [&](int j) {
      double sum = 0;
      for (int one = 0; one < z.blocks; ++one) {
        const double a = first[one * to_next_view + j];
        for (int other = one + 1; other < z.blocks; ++other) {
          const double d = a - double{first[other * to_next_view + j]};
          sum = fma(d, d, sum);
        }
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
  EQ_FIELDS(z, dz, shared, inherent_term, variational_term, task)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return element_units<Team>(c.n, z.cols);
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const auto [r, lane] = element_place<Team>(u, z.cols);
    const double weight = 2.0 * (task < 0 ? 1.0 : c.control->shared_weights[task]) / c.n;
    const double* slope = c.control->term_slope;
    const float inherent = static_cast<float>(weight * slope[inherent_term] / shared);
    const float variational = static_cast<float>(weight * slope[variational_term] / (z.cols - shared));
    // Pair by pair, so that a pair's gradients are opposite to the bit; a view's first pair overwrites.
    for (int one = 0; one < z.blocks; ++one)
      for (int other = one + 1; other < z.blocks; ++other) {
        const float *a = c.row(z, one * c.n + r), *b = c.row(z, other * c.n + r);
        float *da = c.row(dz, one * c.n + r), *db = c.row(dz, other * c.n + r);
        const bool first_of_one = one == 0 && other == 1, first_of_other = one == 0;
        each_column<Team::kLanes>(z.cols, lane, [&](int j, int) {
          const float d = (j < shared ? inherent : variational) * (a[j] - b[j]);
          da[j] = first_of_one ? d : da[j] + d;
          db[j] = first_of_other ? -d : db[j] - d;
        });
      }
  }
};

}  // namespace equipoise
