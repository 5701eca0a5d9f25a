// kernels/balance/fairgrad.h - FairGrad (Ban and Ji 2024): the alpha-fair step, G a = a^(-1 / alpha).
// alpha = 1 is Nash-MTL; the larger, the more the step cares for tasks that gain little: a_i is the task's gain, the
// product of step and gradient, to the power of -alpha. For alpha beyond 0.5 to 2 with norms many decades apart see
// bargaining.h.
#pragma once

#include "kernels/balance/solve/bargaining.h"

// Floor: that of bargaining.h.

namespace equipoise {

/// mixing = diag(a). Reads of the method: alpha, positive.
template <class Team>
EQ_COLD void mix_fairgrad(const Team& team, const Mixing& in, const Method& method) {
  mix_bargained(team, in, 1.0 / method.alpha);
}

}  // namespace equipoise
