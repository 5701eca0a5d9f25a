// kernels/balance/identity.h - the plain sum: every task keeps the weight that the settings give it.
#pragma once

#include "kernels/balance/method.h"

namespace equipoise {

EQ_FN void weigh_identity(const Weighing& in, const Method&) {
  for (int i = 0; i < in.tasks; ++i) {
    in.weight[i] = in.settings->initial_weights[i];
    if (in.norm) in.next_weight[i] = in.weight[i];
  }
}

}  // namespace equipoise
