// kernels/balance/upgrad.h - UPGrad (Quinton and Rey 2024): the mean of the gradients' projections on their dual cone.
// Row i of the mixing matrix is the projection of gradient i, in coefficients, over m; then no task's gain is negative,
// and gradients without conflict are left as they are. Floor: m times dual_cone.h.
// Published code normalises the Gram matrix by its trace and adds 1e-4 to its diagonal, which lets small conflicts
// stand; here nothing is added.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/solve/dual_cone.h"

namespace equipoise {

EQ_SIZE int upgrad_scratch(int m) { return 2 * m + dual_cone_scratch(m); }
static_assert(fits_mixing_scratch(upgrad_scratch));

template <class Team>
EQ_COLD void mix_upgrad(const Team& team, const Mixing& in, const Method&) {
  const int m = in.tasks;
  double *from = in.scratch, *to = from + m;  // [m] each
  for (int i = 0; i < m; ++i) {
    EQ_ROLLED
    for (int j = team.thread_rank(); j < m; j += team.size()) from[j] = i == j ? 1.0 : 0.0;
    team.sync();
    project_on_dual_cone(team, m, in.gram, from, to, to + m);
    EQ_ROLLED
    for (int j = team.thread_rank(); j < m; j += team.size()) in.mixing[i * m + j] = to[j] / m;
    team.sync();
  }
}

}  // namespace equipoise
