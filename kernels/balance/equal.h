// kernels/balance/equal.h - the mean of all losses: w_i = 1 / K. The control of every comparison of methods.
// A task without a loss in a batch counts as a loss of zero, so that the step does not grow when others are missing.
#pragma once

#include "kernels/balance/method.h"

namespace equipoise {

EQ_FN void weigh_equal(const Weighing& in, const Method&) {
  for (int i = 0; i < in.tasks; ++i) {
    in.weight[i] = 1.0 / in.tasks;
    if (in.norm) in.next_weight[i] = in.weight[i];
  }
}

}  // namespace equipoise
