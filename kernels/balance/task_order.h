// kernels/balance/task_order.h - in which order a task's gradient meets those of the others.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/base/philox.h"

// Floor: one Philox block for four places, m steps of an exchange in memory.

namespace equipoise {

/// order [m] := a permutation of 0..m-1 (m <= 32), held as doubles since it lies in a method's scratch. It is rising if
/// asked, else uniformly random (Fisher and Yates; Durstenfeld 1964), a pure function of (seed, replica, step, row).
/// Word `place` of a row picks among the place + 1 that are left by the top half of word * (place + 1): no pick's
/// probability is off by more than 2^-32.
EQ_FN void task_order(const StepDraws& draws, int row, int m, bool rising, double* order) {
  for (int j = 0; j < m; ++j) order[j] = j;
  if (rising) return;
  const DrawKey key{draws.seed, draws.replica, draws.step, purpose_of(Purpose::order, draws.balancer)};
  const int first_block = row * (kMaxTasks / 4);
  for (int group = (m - 1) / 4; group >= 0; --group) {
    const PhiloxBlock words = draw(key, static_cast<uint32_t>(first_block + group));
    EQ_UNROLL
    for (int word = 3; word >= 0; --word) {
      const int place = 4 * group + word;
      if (place >= m) continue;
      const auto left = static_cast<uint64_t>(place) + 1u;
      const auto pick = static_cast<int>((words.v[word] * left) >> 32);
      const double picked = order[pick];
      order[pick] = order[place];
      order[place] = picked;
    }
  }
}

}  // namespace equipoise
