// kernels/balance/dwa.h - dynamic weight average (Liu, Johns and Davison 2019): slowly falling losses weigh more.
//   w_i = n exp(r_i / T) / sum_j exp(r_j / T),  r_i = mean loss of the last epoch / of the one before
// The sum and n are of the tasks that are present (of all, if none is); an absent one keeps its state and gets what the
// same formula gives it. Epochs without the task do not count for it. r_i = 1 until two epochs are known, and where a
// mean loss is not positive.
//
// Method: temperature. State [4, K]: mean loss of the last epoch, of the one before, sum and count of this epoch's.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/base/strict_math.h"

// Floor: two exponentials and two divisions a task.

namespace equipoise {

EQ_FN void weigh_dwa(const Weighing& in, const Method& method) {
  const int tasks = in.tasks;
  const auto closes = [&](int i) { return in.epoch_begins && in.state[3 * tasks + i] > 0; };
  const auto last = [&](int i) { return closes(i) ? in.state[2 * tasks + i] / in.state[3 * tasks + i] : in.state[i]; };
  const auto before = [&](int i) { return closes(i) ? in.state[i] : in.state[tasks + i]; };
  int present = 0;
  for (int i = 0; i < tasks; ++i) present += in.present[i] != 0;
  const auto counts = [&](int i) { return in.present[i] != 0 || present == 0; };

  double largest = 0;
  bool any = false;
  for (int i = 0; i < tasks; ++i) {
    const bool known = last(i) > 0 && before(i) > 0;
    const double rate = known ? last(i) / before(i) : 1.0;
    in.weight[i] = (rate < 1e9 ? rate : 1e9) / method.temperature;  // bounded, so that no difference is NaN
    if (!counts(i)) continue;
    largest = !any || in.weight[i] > largest ? in.weight[i] : largest;
    any = true;
  }
  double sum = 0;
  for (int i = 0; i < tasks; ++i) {
    const double over = in.weight[i] - largest;
    in.weight[i] = strict_exp(over < 700.0 ? over : 700.0);  // above the largest only where absent
    if (counts(i)) sum += in.weight[i];
  }
  for (int i = 0; i < tasks; ++i) in.weight[i] = (present > 0 ? present : tasks) * in.weight[i] / sum;
  if (!in.norm) return;

  for (int i = 0; i < tasks; ++i) {
    in.next_weight[i] = in.weight[i];
    in.next[i] = last(i);
    in.next[tasks + i] = before(i);
    const double loss = in.present[i] ? in.loss[i] : 0.0, count = in.present[i] ? 1.0 : 0.0;
    in.next[2 * tasks + i] = (closes(i) ? 0.0 : in.state[2 * tasks + i]) + loss;
    in.next[3 * tasks + i] = (closes(i) ? 0.0 : in.state[3 * tasks + i]) + count;
  }
}

}  // namespace equipoise
