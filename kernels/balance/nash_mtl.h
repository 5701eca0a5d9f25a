// kernels/balance/nash_mtl.h - Nash-MTL (Navon et al. 2022): the Nash bargaining step, G a = 1 / a.
// Weights scale as 1 / n_i, so the step does not depend on the gradients' scales; its length is sqrt(m).
// The published code linearises the problem for a convex solver on the CPU, keeps its last answer where that fails, and
// clips the step to norm 1; here the equations are solved, and clipping is the optimizer's (clip_norm).
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/solve/bargaining.h"

// Floor: that of bargaining.h.

namespace equipoise {

EQ_SIZE int nash_mtl_scratch(int m) { return m + bargaining_scratch(m); }
static_assert(fits_mixing_scratch(nash_mtl_scratch));

/// mixing = diag(a). Reads nothing of the method.
template <class Team>
EQ_COLD void mix_nash_mtl(const Team& team, const Mixing& in, const Method&) {
  double* a = in.scratch;  // [m]
  bargain_or_min_norm(team, in.tasks, in.gram, 1.0, a, a + in.tasks);
  mix_diagonal(team, in.tasks, a, in.mixing);
}

}  // namespace equipoise
