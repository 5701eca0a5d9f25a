// kernels/balance/fairgrad.h - FairGrad (Ban and Ji 2024): the alpha-fair step, G a = a^(-1 / alpha).
// alpha = 1 is Nash-MTL; the larger, the more the step cares for tasks that gain little: a_i is the task's gain, the
// product of step and gradient, to the power of -alpha. For alpha beyond 0.5 to 2 with norms many decades apart see
// bargaining.h.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/solve/bargaining.h"

// Floor: that of bargaining.h.

namespace equipoise {

EQ_SIZE int fairgrad_scratch(int m) { return m + bargaining_scratch(m); }
static_assert(fits_mixing_scratch(fairgrad_scratch));

/// mixing = diag(a). Reads of the method: alpha, positive.
template <class Team>
EQ_COLD void mix_fairgrad(const Team& team, const Mixing& in, const Method& method) {
  double* a = in.scratch;  // [m]
  bargain_or_min_norm(team, in.tasks, in.gram, 1.0 / method.alpha, a, a + in.tasks);
  mix_diagonal(team, in.tasks, a, in.mixing);
}

}  // namespace equipoise
