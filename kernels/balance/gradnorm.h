// kernels/balance/gradnorm.h - GradNorm (Chen et al. 2018, algorithm 1), from gradient norms alone.
//   n_i = w_i |g_i|,  r_i = (L_i / L_i(0)) / mean,  t_i = mean(n) r_i^alpha,  loss = sum |n_i - t_i|
//   d loss / d w_i = sign(n_i - t_i) |g_i|, then Adam on w and, if asked, rescaling to sum K.
// The mean of the ratios keeps its sign; a negative r counts as 0, and if the mean is not positive every r is 1. A task
// that has no loss in this batch sits the step out. Targets are constants to the derivative, as in the paper.
//
// `softmax` is the form of the impartial-VAE code: w = K exp(v) / sum exp(v) and Adam steps the logits v, so that no
// weight can turn negative and the sum is K throughout.
//
// Habits of published programs: `renormalise = in_loss` lets Adam step weights v that are left alone and uses
// w = K v / sum v from the second step on (v as it is in the first), with the derivative taken through the sum;
// `restart` forgets Adam's moments after each step, so that every weight moves by about task_lr.
//
// Settings: alpha, task_lr, beta1, beta2, eps, initial_weights; method.loss_ratio, renormalise, restart, softmax.
// State [8, K]: weights (before renormalising in the loss) or logits, two moments, their powers of beta, first loss,
// has first loss, started.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/task_adam.h"
#include "kernels/base/strict_math.h"

namespace equipoise {

/// No step of Adam takes a task weight below this: a negative one would have its loss maximised, and weights of both
/// signs would explode when they are rescaled to their sum. The paper takes weights to be positive.
inline constexpr double kMinTaskWeight = 1e-6;

/// Rows of GradNorm's state.
struct GradNormState {
  enum Row { kValue, kMoment1, kMoment2, kPower1, kPower2, kFirst, kHasFirst, kStarted };
  const Weighing& in;

  EQ_FN double old(Row row, int i) const { return in.state[row * in.tasks + i]; }
  EQ_FN double& next(Row row, int i) const { return in.next[row * in.tasks + i]; }
  /// Weight or logit of the step to come, from the settings before the first.
  EQ_FN double value(int i, bool softmax) const {
    if (old(kStarted, 0) != 0) return old(kValue, i);
    const double w = in.settings->initial_weights[i];
    return softmax ? strict_log(w > kMinTaskWeight ? w : kMinTaskWeight) : w;
  }
};

/// GradNorm with `measured(i)` in the place of the loss whose fall is compared with the other tasks'.
template <class Measured>
EQ_FN void weigh_by_gradient_norms(const Weighing& in, const Method& method, Measured&& measured) {
  using State = GradNormState;
  const State s{in};
  const int tasks = in.tasks;
  const bool softmax = method.softmax != 0;
  // The first step's weights are used as they are given.
  const bool in_loss = !softmax && method.renormalise == Normalise::in_loss && s.old(State::kStarted, 0) != 0;
  double sum_values = 0;
  for (int i = 0; (softmax || in_loss) && i < tasks; ++i)
    sum_values += softmax ? strict_exp(s.value(i, true)) : s.value(i, false);
  const double raised = in_loss ? tasks / sum_values : 1.0;
  for (int i = 0; i < tasks; ++i)
    in.weight[i] = softmax ? tasks * (strict_exp(s.value(i, true)) / sum_values) : raised * s.value(i, false);
  if (!in.norm) return;

  // A gradient that vanishes has fallen to nothing, even if it always was zero; a loss of 0 / 0 has no ratio.
  const auto ratio = [&](int i) {
    const double now = measured(i);
    return method.kind == MethodKind::gradnorm_modified && now == 0.0 ? 0.0 : now / s.next(State::kFirst, i);
  };
  double sum_norm = 0, sum_ratio = 0;
  int present = 0;
  for (int i = 0; i < tasks; ++i) {
    s.next(State::kValue, i) = s.value(i, softmax);
    s.next(State::kStarted, i) = 1;
    if (!in.present[i]) continue;
    if (s.old(State::kHasFirst, i) == 0) {
      s.next(State::kFirst, i) = measured(i);
      s.next(State::kHasFirst, i) = 1;
    }
    sum_ratio += ratio(i);
    sum_norm += in.weight[i] * in.norm[i];
    ++present;
  }
  const double mean_ratio = sum_ratio / present, mean_norm = sum_norm / present;
  const bool rates = mean_ratio > 0 && mean_ratio - mean_ratio == 0.0;  // else a first loss was zero, or signs cancel
  double loss = 0, pulled = 0;  // pulled: sum of weight times derivative, where weights share a sum
  for (int i = 0; i < tasks; ++i) {
    in.target[i] = 0;
    if (!in.present[i]) continue;
    const double rate = rates ? ratio(i) / mean_ratio : 1.0;
    in.target[i] = mean_norm * strict_pow(rate > 0 ? rate : 0.0, in.settings->alpha);
    const double off = in.weight[i] * in.norm[i] - in.target[i];
    loss += off < 0 ? -off : off;
    pulled += in.weight[i] * ((off > 0 ? 1.0 : (off < 0 ? -1.0 : 0.0)) * in.norm[i]);
  }
  *in.gradnorm_loss = loss;

  const AdamSettings adam{in.settings->task_lr, in.settings->beta1, in.settings->beta2, in.settings->eps};
  double sum = 0;
  for (int i = 0; i < tasks; ++i) {
    if (in.present[i]) {
      const double off = in.weight[i] * in.norm[i] - in.target[i];
      double slope = (off > 0 ? 1.0 : (off < 0 ? -1.0 : 0.0)) * in.norm[i];
      if (softmax) slope = in.weight[i] * (slope - pulled / tasks);
      if (in_loss) slope = raised * (slope - pulled / tasks);
      const bool fresh = method.restart != 0 || s.old(State::kPower2, i) == 0;  // beta1 to the power of t may underflow
      if (method.restart != 0) s.next(State::kMoment1, i) = s.next(State::kMoment2, i) = 0;
      s.next(State::kPower1, i) = (fresh ? 1.0 : s.old(State::kPower1, i)) * in.settings->beta1;
      s.next(State::kPower2, i) = (fresh ? 1.0 : s.old(State::kPower2, i)) * in.settings->beta2;
      const double next = adam_scalar(adam, s.next(State::kValue, i), slope, s.next(State::kMoment1, i),
                                      s.next(State::kMoment2, i), s.next(State::kPower1, i), s.next(State::kPower2, i));
      s.next(State::kValue, i) = next < kMinTaskWeight && !softmax ? kMinTaskWeight : next;
    }
    sum += softmax ? strict_exp(s.next(State::kValue, i)) : s.next(State::kValue, i);
  }
  const bool rescale = !softmax && method.renormalise == Normalise::after_step && sum > 0;
  const double next_raised = !softmax && method.renormalise == Normalise::in_loss ? tasks / sum : 1.0;
  for (int i = 0; i < tasks; ++i) {
    if (rescale) s.next(State::kValue, i) *= tasks / sum;
    const double value = s.next(State::kValue, i);
    in.next_weight[i] = softmax ? tasks * (strict_exp(value) / sum) : next_raised * value;
  }
}

EQ_FN void weigh_gradnorm(const Weighing& in, const Method& method) {
  weigh_by_gradient_norms(in, method, [&](int i) {
    return method.loss_ratio == LossRatio::weighted ? in.weight[i] * in.loss[i] : in.loss[i];
  });
}

}  // namespace equipoise
