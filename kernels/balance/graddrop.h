// kernels/balance/graddrop.h - GradDrop (Chen et al. 2020): of each element keep the gradients of one sign, by a draw.
//   P = (1 + sum_k s_k / sum_k |s_k|) / 2,  g_k' = g_k (leak + (1 - leak) [s_k > 0 and P > U, or s_k < 0 and P < U])
// s_k is the gradient itself at a parameter, sign(input) times it at a representation; U is one draw an element.
// A published code clamps so that P stays at or below 1/2 and negative signs win too often; here only the final P is
// clamped, to [0, 1].
#pragma once

#include "kernels/balance/method.h"
#include "kernels/base/philox.h"

// Floor: two additions and a selection a task and element, a division and a quarter of a Philox block an element;
// no memory of its own: the combine pass reads the K gradients of an element twice, from its cache.

namespace equipoise {

/// What the tasks of one element say together.
struct GradDropSigns {
  double sum = 0.0;        // of s_k
  double magnitude = 0.0;  // of |s_k|

  EQ_FN void add(double s) {
    sum += s;
    magnitude += s < 0.0 ? -s : s;
  }
  /// P: 1 where all are positive, 0 where all are negative, 1/2 where all are zero.
  EQ_FN double positive_share() const {
    if (!(magnitude > 0.0)) return 0.5;
    const double share = 0.5 * (1.0 + sum / magnitude);
    return share < 0.0 ? 0.0 : (share > 1.0 ? 1.0 : share);
  }
};

/// U of an element (below 2^34) for all its tasks. It is never 0 or 1, so that an element on whose sign all tasks agree
/// is never dropped.
EQ_FN double graddrop_uniform(const StepDraws& draws, uint64_t element) {
  const DrawKey key{draws.seed, draws.replica, draws.step, purpose_of(Purpose::graddrop, draws.balancer)};
  const PhiloxBlock words = draw(key, static_cast<uint32_t>(element >> 2));
  const bool odd = (element & 1u) != 0u, high = (element & 2u) != 0u;
  const uint32_t low_word = odd ? words.v[1] : words.v[0], high_word = odd ? words.v[3] : words.v[2];
  return double{uniform_open(high ? high_word : low_word)};
}

/// What task k's gradient of an element is multiplied by.
EQ_FN double graddrop_factor(double positive_share, double uniform, double s, double leak) {
  const bool keep = (s > 0.0 && positive_share > uniform) || (s < 0.0 && positive_share < uniform);
  return keep ? 1.0 : leak;
}

}  // namespace equipoise
