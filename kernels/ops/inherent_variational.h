// kernels/ops/inherent_variational.h - the inherent-variational loss of MLDRL: shared latent parts of the two views
// should agree, specific ones should differ.
//   I = mean (c1 - c2)^2,  V = mean (p1 - p2)^2;  ratio I / V (as published) or difference I - V (as in the authors'
//   code)
// Two operations: the sums behind I and V, and, once they are known, the gradient by both latents.
#pragma once

#include "kernels/base/slots.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct InherentVariational {
  View z1, z2;  // [n, L], columns [0, shared) inherent, the rest variational
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
    const float* a = c.row(z1, r);
    const float* b = c.row(z2, r);
    const auto square = [&](int j) {
      const double d = double{a[j]} - double{b[j]};
      return d * d;
    };
    sum_row<Team::kLanes>(shared, lane, c.doubles(inherent) + r * kRowLanes, square);
    sum_row<Team::kLanes>(z1.cols - shared, lane, c.doubles(variational) + r * kRowLanes,
                          [&](int j) { return square(shared + j); });
  }
};

/// dz1 = 2 slope (z1 - z2) / (n part), dz2 = -dz1, slope = d loss / d I or d loss / d V (control.term_slope).
struct InherentVariationalGradient {
  View z1, z2;
  View dz1, dz2;  // [n, L], overwritten
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
    const float* a = c.row(z1, r);
    const float* b = c.row(z2, r);
    float* da = c.row(dz1, r);
    float* db = c.row(dz2, r);
    const double weight = 2.0 * (task < 0 ? 1.0 : c.control->shared_weights[task]) / c.n;
    const double* slope = c.control->term_slope;
    const float inherent = static_cast<float>(weight * slope[inherent_term] / shared);
    const float variational = static_cast<float>(weight * slope[variational_term] / (z1.cols - shared));
    each_column<Team::kLanes>(z1.cols, lane, [&](int j, int) {
      const float d = (j < shared ? inherent : variational) * (a[j] - b[j]);
      da[j] = d;
      db[j] = -d;
    });
  }
};

}  // namespace equipoise
