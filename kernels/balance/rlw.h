// kernels/balance/rlw.h - random loss weighting (Lin et al. 2022): weights drawn anew each step, sum 1.
//   w = softmax(z), z_i standard normal
// A draw belongs to (seed, replica, step, task). The sum is of the tasks that are present (of all, if none is); an
// absent one gets exp(z_i) over the same sum. No state.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/base/philox.h"

// Floor: one Philox block for four tasks, one exponential a task.

namespace equipoise {

EQ_FN void weigh_rlw(const Weighing& in, const Method&) {
  const DrawKey key{in.draws.seed, in.draws.replica, in.draws.step,
                    purpose_of(Purpose::random_weights, in.draws.balancer)};
  int present = 0;
  for (int i = 0; i < in.tasks; ++i) present += in.present[i] != 0;
  double sum = 0;
  for (int first = 0; first < in.tasks; first += 4) {
    float z[4];
    normals(draw(key, static_cast<uint32_t>(first / 4)), z);
    EQ_UNROLL
    for (int j = 0; j < 4; ++j) {
      if (first + j >= in.tasks) continue;
      in.weight[first + j] = strict_exp(double{z[j]});
      if (in.present[first + j] || present == 0) sum += in.weight[first + j];
    }
  }
  for (int i = 0; i < in.tasks; ++i) {
    in.weight[i] /= sum;
    if (in.norm) in.next_weight[i] = in.weight[i];
  }
}

}  // namespace equipoise
