// kernels/balance/famo.h - FAMO (Liu et al. 2023): equal relative decrease of all losses, from losses alone.
//   w_i = c z_i / D_i,  z = softmax(xi),  D_i = max(L_i, 0) + 1e-8,  c = 1 / sum_j (z_j / D_j)
//   xi moves by Adam along  z_i (delta_i - sum_j z_j delta_j) + decay xi_i,  delta_i = log D_i(before) - log D_i(now)
// The published code measures `now` on the batch of the step before, a second time. Here it is this step's loss: xi
// moves first, then weighs this step, and no batch is run twice. The least possible loss is taken to be 0.
//
// Tasks that are present share the sum c; those of them whose loss before is known move, and share the softmax of the
// move. An absent task keeps its state, and gets what the formula gives it with its last loss (before the first: 0). If
// none is present the sum is that of all last losses.
//
// Method: lr, decay. Settings: beta1, beta2, eps. State [5, K]: xi, its two moments, last loss, number of losses seen
// (Adam's t + 1).
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/task_adam.h"
#include "kernels/base/strict_math.h"

// Floor: three exponentials, two logarithms, two powers and one Adam step a task.

namespace equipoise {

/// Views of FAMO's state and the terms of its formulas.
struct Famo {
  const Weighing& in;

  EQ_FN double old(int row, int i) const { return in.state[row * in.tasks + i]; }
  EQ_FN bool moves(int i) const { return in.present[i] != 0 && old(4, i) > 0; }
  EQ_FN static double floored(double loss) { return (loss > 0 ? loss : 0.0) + 1e-8; }
  EQ_FN double log_fall(int i) const { return strict_log(floored(old(3, i))) - strict_log(floored(in.loss[i])); }

  /// weight <- xi after this step's move; next too, where it is given.
  EQ_FN void move(const Method& method) const {
    double largest = 0, sum = 0, mean = 0;
    bool any = false;
    for (int i = 0; i < in.tasks; ++i)
      if (moves(i)) {
        largest = !any || old(0, i) > largest ? old(0, i) : largest;
        any = true;
      }
    for (int i = 0; i < in.tasks; ++i)
      if (moves(i)) {
        const double e = strict_exp(old(0, i) - largest);
        sum += e;
        mean = fma(e, log_fall(i), mean);
      }
    mean /= sum;  // read only where some task moves
    const AdamSettings adam{method.lr, in.settings->beta1, in.settings->beta2, in.settings->eps};
    for (int i = 0; i < in.tasks; ++i) {
      in.weight[i] = old(0, i);
      if (!moves(i)) continue;
      const double z = strict_exp(old(0, i) - largest) / sum;
      const double slope = fma(method.decay, old(0, i), z * (log_fall(i) - mean));
      double m = old(1, i), v = old(2, i);
      in.weight[i] = adam_scalar(adam, old(0, i), slope, m, v, strict_pow(adam.beta1, old(4, i)),
                                 strict_pow(adam.beta2, old(4, i)));
      if (!in.norm) continue;
      in.next[i] = in.weight[i];
      in.next[in.tasks + i] = m;
      in.next[2 * in.tasks + i] = v;
    }
  }
};

EQ_FN void weigh_famo(const Weighing& in, const Method& method) {
  const Famo famo{in};
  const int tasks = in.tasks;
  famo.move(method);
  int present = 0;
  for (int i = 0; i < tasks; ++i) present += in.present[i] != 0;
  const auto counts = [&](int i) { return in.present[i] != 0 || (present == 0 && famo.old(4, i) > 0); };
  double largest = 0, sum = 0;
  bool any = false;
  for (int i = 0; i < tasks; ++i)
    if (counts(i)) {
      largest = !any || in.weight[i] > largest ? in.weight[i] : largest;
      any = true;
    }
  for (int i = 0; i < tasks; ++i) {
    const bool known = in.present[i] != 0 || famo.old(4, i) > 0;
    const double over = in.weight[i] - largest, loss = in.present[i] ? in.loss[i] : famo.old(3, i);
    in.weight[i] = known ? strict_exp(over < 300.0 ? over : 300.0) / Famo::floored(loss) : 0.0;
    if (counts(i)) sum += in.weight[i];
  }
  for (int i = 0; i < tasks; ++i) {
    if (sum > 0) in.weight[i] /= sum;
    if (!in.norm) continue;
    in.next_weight[i] = in.weight[i];
    if (!in.present[i]) continue;
    in.next[3 * tasks + i] = in.loss[i];
    in.next[4 * tasks + i] = famo.old(4, i) + 1.0;
  }
}

}  // namespace equipoise
