// kernels/balance/dualproj.h - DualProj: the mean gradient's projection on the dual cone of the gradients (as GEM does
// to a new task's gradient: Lopez-Paz and Ranzato 2017). Mixing matrix: the diagonal of its coefficients. Floor:
// dual_cone.h.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/solve/dual_cone.h"

namespace equipoise {

EQ_SIZE int dualproj_scratch(int m) { return 2 * m + dual_cone_scratch(m); }
static_assert(fits_mixing_scratch(dualproj_scratch));

template <class Team>
EQ_COLD void mix_dualproj(const Team& team, const Mixing& in, const Method&) {
  const int m = in.tasks;
  double *mean = in.scratch, *projected = mean + m;  // [m] each
  EQ_ROLLED
  for (int i = team.thread_rank(); i < m; i += team.size()) mean[i] = 1.0 / m;
  team.sync();
  project_on_dual_cone(team, m, in.gram, mean, projected, projected + m);
  for (int e = team.thread_rank(); e < m * m; e += team.size())
    in.mixing[e] = e % (m + 1) == 0 ? projected[e / m] : 0.0;
  team.sync();
}

}  // namespace equipoise
