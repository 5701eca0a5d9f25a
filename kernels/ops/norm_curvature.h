// kernels/ops/norm_curvature.h - what minimising the GradNorm loss by the network, and not by the task weights alone,
// takes (the habit of a published program whose second backward pass leaves its gradient with the network).
//   F = sum over k of |w_k n_k - t_k|, n_k = |G_k|, G_k the gradient of loss k by the measured weights, t_k constant
//   dF/dtheta = sum over k of sign(w_k n_k - t_k) w_k / n_k * R_k{dL_k/dtheta}
// where R_k{.} is the derivative along G_k at the measured weights (Pearlmutter 1994): tangents run forward from there,
// and adjoints of the tangents back. Both are products that other kernels do; here is what is special.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/slots.h"
#include "kernels/ops/target_loss.h"
#include "kernels/state/memory.h"

namespace equipoise {

/// to[r, c] = second derivative of a target's loss by x times the tangent of x.
struct TargetCurvature {
  View x, target, tangent;  // [n, cols]
  Place count;              // [1] float64: entries with a target, or their weight
  View to;                  // [n, cols], overwritten; zero where the target is missing
  TargetForm form;
  int32_t first_weight;  // as target_weight takes it
  EQ_FIELDS(x, target, tangent, count, to, form, first_weight)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return row_units<Team>(c.rows(x));
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    const int r = unit_row<Team>(u);
    const float* a = c.row(x, r);
    const float* t = c.row(target, r);
    const float* d = c.row(tangent, r);
    float* out = c.row(to, r);
    const float k = over_targets(c, count, -1, false);
    each_column<Team::kLanes>(x.cols, unit_lane<Team>(u), [&](int j, int) {
      out[j] = is_target(t[j]) ? k * target_weight(c, first_weight, t[j]) * curvature(a[j]) * d[j] : 0.0f;
    });
  }

  EQ_FN float curvature(float a) const {
    switch (form) {
      case TargetForm::squared:
        return 2.0f;
      case TargetForm::logistic: {
        const float p = strict_sigmoid(a);
        return p * (1.0f - p);
      }
      case TargetForm::poisson:
        return strict_exp(a);
    }
    return strict_detail::nan_f();
  }
};

/// The coefficients of R_k: control.shared_weights and private_weights [K .. 2 K).
struct CurvatureWeights {
  int32_t tasks;
  float loss_scale;  // which every coefficient is later multiplied by; the GradNorm loss is not scaled
  EQ_FIELDS(tasks, loss_scale)

  template <class Team>
  EQ_FN int units(const Context&) const {
    return tasks;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int k) const {
    Control& s = *c.control;
    const double norm = sqrt(s.gram[k * tasks + k]), weight = s.shared_weights[k];
    const double off = weight * norm - s.targets[k];
    const double sign = off > 0 ? 1.0 : (off < 0 ? -1.0 : 0.0);
    const double coefficient = s.present[k] && norm > 0 ? sign * weight / norm / double{loss_scale} : 0.0;
    s.shared_weights[tasks + k] = coefficient;
    s.private_weights[tasks + k] = coefficient;
  }
};

}  // namespace equipoise
