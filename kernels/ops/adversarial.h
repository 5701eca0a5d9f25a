// kernels/ops/adversarial.h - the loss of a discriminator's logit x for rows that should pass as real or as made up.
//   p = sigmoid(x);  loss = -log(p + offset) for real, -log(1 - p + offset) for made up
//   d loss / dx = -p (1 - p) / (p + offset),  p (1 - p) / (1 - p + offset)
// The offset (1e-3 in the published VAE-GAN code) bounds the loss where the discriminator is sure.
// Floor: one exponential, one logarithm and two divisions an entry.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/base/strict_math.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct Adversarial {
  View x;       // [rows, cols] logits
  View dx;      // [rows, cols], overwritten if has_gradient
  Place slots;  // [rows, 16] float64 sums of losses, overwritten
  float offset;
  int32_t task;  // >= 0: the gradient is weighted by control.shared_weights[task] (merged lane)
  bool real;
  bool has_gradient;
  bool sums;  // the term is a sum over the batch, not a mean
  EQ_FIELDS(x, dx, slots, offset, task, real, has_gradient, sums)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.rows(x));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u), lane = unit_lane<Team>(u);
    const float* a = c.row(x, r);
    // sigmoid of the signed logit, so that a probability near 0 keeps its digits
    const auto right = [&](float logit) { return strict_sigmoid(real ? logit : -logit); };
    sum_row<Team::kLanes>(x.cols, lane, c.doubles(slots) + r * kRowLanes,
                          [&](int j) { return -double{strict_log(right(a[j]) + offset)}; });
    if (!has_gradient) return;
    const float weight = task < 0 ? 1.0f : static_cast<float>(c.control->shared_weights[task]);
    const float k = (real ? -weight : weight) / (sums ? 1.0f : static_cast<float>(c.n * x.cols));
    float* d = c.row(dx, r);
    each_column<Team::kLanes>(x.cols, lane, [&](int j, int) {
      const float p = right(a[j]);
      d[j] = k * (p * (1.0f - p)) / (p + offset);
    });
  }
};

}  // namespace equipoise
