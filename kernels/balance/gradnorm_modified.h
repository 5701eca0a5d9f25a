// kernels/balance/gradnorm_modified.h - GradNorm that compares the fall of gradient norms instead of losses.
//   r_i = (|g_i| / |g_i(0)|) / mean; the rest is kernels/balance/gradnorm.h
// From the impartial-VAE code (Javaloy, Meghdadi and Valera 2022), for losses whose values say little of how far a task
// is, such as likelihoods that may be negative. Norms are those before weighting; with loss_ratio "weighted", after it.
#pragma once

#include "kernels/balance/gradnorm.h"

namespace equipoise {

template <class Team>
EQ_FN void weigh_gradnorm_modified(const Team& team, const Weighing& in, const Method& method) {
  weigh_by_gradient_norms(team, in, method, [&](int i) {
    return method.loss_ratio == LossRatio::weighted ? in.weight[i] * in.norm[i] : in.norm[i];
  });
}

}  // namespace equipoise
